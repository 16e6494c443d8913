/** The suite that every engine passes, from far: tunnel → `cryopod system service` on a Unix socket → the engine of this host. */
import { join } from "node:path"
import { ContainerEngineTest } from "@cryopod/entities/testing/suite"
import { tunnelEngine } from "@cryopod/tunnel"
import { afterAll } from "vitest"
import { lacksOfServices } from "../../packages/tunnel/test/support/lacksOfServices.ts"
import { lacksOfKernel, makeGround } from "./support/ground.ts"
import { startService } from "./support/startService.ts"

const ground = await makeGround()
const socket = join(ground.directory, "engine.sock")
const service = await startService([...ground.program, "system", "service", "--time", "0", `unix://${socket}`], socket)
afterAll(async () => {
  await service.end()
  await ground.dispose()
})

ContainerEngineTest.suite("tunnel to the service of this host", {
  ...ground.bench,
  layer: tunnelEngine({ url: `unix://${socket}` }),
  lacks: { ...lacksOfKernel, ...lacksOfServices },
})
