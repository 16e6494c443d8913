/**
 * An archive through a service and its remote engine, beside the same file through a plain server and client of Node's that
 * do nothing else: both read it from the disk, count what they take and drop it, and are measured from the request to the
 * last byte. What a freeze and a dump take is no part of it; `export none, far` is a whole command with them, to be held
 * against `export none, near`.
 */
import { spawn } from "node:child_process"
import * as fs from "node:fs"
import { createServer } from "node:net"
import { join } from "node:path"
import { makeCertificates } from "../../packages/service/test/support/certificates.ts"
import type { Ground } from "../Ground.ts"
import type { Options } from "../Options.ts"
import type { Results } from "../Results.ts"
import { eventually, run, runOk } from "../run.ts"
import { type Cryopod, node } from "../sides/Cryopod.ts"
import { holding } from "../workload.ts"

/** MiB of the archive, and of the container's memory. */
const size = 1024

const sides = ["node", "cryopod"] as const
const directions = { export: "down", import: "up" } as const

const part = join(import.meta.dirname, "../parts/transfer.ts")

export const transferCases = async (
  options: Options,
  cryopod: Cryopod,
  ground: Ground,
  results: Results,
): Promise<void> => {
  const directory = ground.path("transfer")
  fs.mkdirSync(directory)
  makeCertificates(directory)
  const file = join(directory, "archive.tar")
  await runOk(["dd", "if=/dev/urandom", `of=${file}`, "bs=1M", `count=${size}`])
  const ways = [
    { way: "over a Unix socket", urlOf: async (side: string) => `unix://${join(directory, `${side}.sock`)}` },
    { way: "over mTLS", urlOf: async () => `tcp://127.0.0.1:${await freePort()}` },
  ]
  for (const { urlOf, way } of ways) {
    const urls = { node: await urlOf("node"), cryopod: await urlOf("cryopod") }
    for (const side of sides) await serve([node, part, "serve", side, urls[side], file], ground)
    for (let round = 0; round < options.rounds; round++) {
      for (const [what, direction] of Object.entries(directions)) {
        for (const side of sides) {
          const key = { what: `${what} ${way}`, side, size }
          results.add(key, await measured([node, part, direction, side, urls[side], file]))
        }
      }
    }
  }
  fs.rmSync(file)
  await wholeCommands(options, cryopod, ground, results)
}

const serve = async ([file, ...args]: readonly [string, ...ReadonlyArray<string>], ground: Ground): Promise<void> => {
  const server = spawn(file, args, { stdio: ["ignore", "ignore", "inherit"] })
  ground.later(async () => server.kill())
}

/** The server may just have been told to listen. */
const measured = async (words: readonly [string, ...ReadonlyArray<string>]) => {
  let said = ""
  await eventually(words.join(" "), async () => {
    const { status, stdout } = await run(words)
    said = stdout
    return status === 0
  })
  const { bytes, seconds } = JSON.parse(said) as { readonly bytes: number; readonly seconds: number }
  if (bytes !== size * 2 ** 20) throw new Error(`${words.join(" ")}: ${bytes} bytes`)
  return { seconds }
}

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { readonly port: number }
      server.close(() => resolve(port))
    })
  })

const wholeCommands = async (options: Options, cryopod: Cryopod, ground: Ground, results: Results): Promise<void> => {
  const socket = ground.path("engine.sock")
  const archive = ground.path("far.tar")
  await serve(cryopod.words("system", "service", "--time", "0", `unix://${socket}`), ground)
  await eventually("the service", async () => fs.existsSync(socket))
  await cryopod.start("far", holding(size))
  for (let round = 0; round < options.rounds; round++) {
    for (const [where, globals] of [
      [", near", []],
      [", far", ["--url", `unix://${socket}`]],
    ] as const) {
      await run(["sync"])
      const command = [...globals, "container", "checkpoint", "-c", "none", "-e", archive, "far"]
      results.add({ what: `export none${where}`, side: "cryopod", size }, await cryopod.ok(...command))
      await cryopod.ok("rm", "far")
      const back = [...globals, "container", "restore", "-i", archive]
      results.add({ what: `import none${where}`, side: "cryopod", size }, await cryopod.ok(...back))
      fs.rmSync(archive)
    }
  }
  await cryopod.ok("rm", "-f", "-t", "0", "far")
}
