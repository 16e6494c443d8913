/** A registry on loopback that forgets everything between rounds. */
import { spawn } from "node:child_process"
import { mkdirSync, rmSync, writeFileSync } from "node:fs"
import { createServer } from "node:net"
import { join } from "node:path"
import type { Ground } from "../Ground.ts"
import { eventually, run } from "../run.ts"

export interface Registry {
  /** `127.0.0.1:PORT`. */
  readonly address: string
  /** Remove every blob, so that the next push has to bring them all. */
  readonly forget: () => void
}

/** Undefined, with the reason on standard error, where the program is missing. */
export const startRegistry = async (ground: Ground): Promise<Registry | undefined> => {
  if ((await run(["sh", "-c", "command -v docker-registry"])).status !== 0) {
    console.error("bench: no docker-registry here: nothing is pushed or pulled")
    return undefined
  }
  const port = await freePort()
  const storage = ground.path("registry")
  mkdirSync(storage)
  const config = ground.path("registry.json")
  writeFileSync(
    config,
    JSON.stringify({
      version: "0.1",
      log: { level: "error", accesslog: { disabled: true } },
      storage: { filesystem: { rootdirectory: storage } },
      http: { addr: `127.0.0.1:${port}` },
    }),
  )
  const child = spawn("docker-registry", ["serve", config], { stdio: "ignore" })
  ground.later(async () => child.kill())
  const address = `127.0.0.1:${port}`
  await eventually("the registry", () =>
    fetch(`http://${address}/v2/`).then(
      ({ ok }) => ok,
      () => false,
    ),
  )
  return { address, forget: () => rmSync(join(storage, "docker"), { recursive: true, force: true }) }
}

const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer()
    server.once("error", reject)
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { readonly port: number }
      server.close(() => resolve(port))
    })
  })
