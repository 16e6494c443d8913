/** The suite that every engine passes, as far as Podman can: tunnel → `podman system service` 5.4.2 on a Unix socket. */
import * as fs from "node:fs"
import { join } from "node:path"
import { ContainerEngineTest } from "@cryopod/entities/testing/suite"
import { tunnelEngine } from "@cryopod/tunnel"
import { afterAll, afterEach } from "vitest"
import { lacksOfServices } from "../../packages/tunnel/test/support/lacksOfServices.ts"
import { project } from "../real/support/Host.ts"
import { makeGround } from "./support/ground.ts"
import { podmanDiffers, podmanLacks } from "./support/podmanDiffers.ts"
import { removeEmptyCgroups } from "./support/removeEmptyCgroups.ts"
import { startService } from "./support/startService.ts"

const ground = await makeGround()
const share = join(ground.directory, "share")
fs.mkdirSync(share)
const peer = [
  "env",
  `PEER_SHARE=${share}`,
  // Podman's CRIU puts limits of cgroups back as they were
  "PEER_LAYOUT=v1",
  join(project, "scripts/peer"),
  "enter",
  "podman",
  "--runtime",
  "crun",
  "system",
  "service",
  "--time",
  "0",
  "unix:///share/podman.sock",
] as const
const socket = join(share, "podman.sock")
const service = await startService(peer, socket)
// with each restore CRIU copies whatever it finds there below the container: left alone, that doubles every time
afterEach(() => removeEmptyCgroups(`cryopod-peer-${service.pid}`))
afterAll(async () => {
  await service.end()
  await ground.dispose()
})

ContainerEngineTest.suite("tunnel to Podman's service", {
  ...ground.bench,
  layer: tunnelEngine({ url: `unix://${socket}` }),
  lacks: { ...lacksOfServices, ...podmanLacks },
  differs: podmanDiffers,
})
