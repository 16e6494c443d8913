/** The packages as somebody else's program has them: packed, installed into an empty project, checked, and run. */
import { execFileSync } from "node:child_process"
import { spawn } from "node:child_process"
import { once } from "node:events"
import * as fs from "node:fs"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { eventually, Host, nodeProgram, project, runCommand } from "./support/Host.ts"
import { counter, importBase } from "./support/workloads.ts"

let host: Host
let empty = ""
const examples = ["checkpoint.ts", "remote.ts", "promises.ts"]

const workspaces = [
  ...fs.readdirSync(join(project, "packages")).map((name) => join(project, "packages", name)),
  join(project, "apps/cli"),
].filter((directory) => fs.existsSync(join(directory, "package.json")))

beforeAll(async () => {
  host = await Host.make({ runtime: "crun", cgroups: "v1" })
  empty = join(host.directory, "empty")
  const tarballs = join(host.directory, "tarballs")
  fs.mkdirSync(empty)
  fs.mkdirSync(tarballs)
  for (const directory of workspaces) {
    execFileSync("npm", ["pack", "--silent", "--ignore-scripts", "--pack-destination", tarballs], { cwd: directory })
  }
  fs.writeFileSync(join(empty, "package.json"), JSON.stringify({ name: "empty", private: true, type: "module" }))
  const files = fs.readdirSync(tarballs).map((name) => join(tarballs, name))
  execFileSync(
    "npm",
    ["install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefer-offline", "--loglevel=error", ...files],
    {
      cwd: empty,
    },
  )
  for (const example of examples) fs.copyFileSync(join(project, "docs/examples", example), join(empty, example))
  await importBase(host)
})
afterAll(() => host.dispose())

describe("the packages, packed and installed into an empty project", () => {
  it("are all there, and none of them leads back to where they were made", () => {
    const installed = fs.readdirSync(join(empty, "node_modules/@cryopod")).toSorted()
    expect(installed).toEqual(fs.readdirSync(join(project, "packages")).toSorted())
    for (const name of installed) {
      expect(fs.lstatSync(join(empty, "node_modules/@cryopod", name)).isSymbolicLink()).toBe(false)
    }
  })

  it("let the examples pass the type checker", async () => {
    fs.writeFileSync(
      join(empty, "tsconfig.json"),
      JSON.stringify({
        compilerOptions: {
          target: "es2024",
          lib: ["es2024", "esnext.disposable"],
          module: "nodenext",
          strict: true,
          exactOptionalPropertyTypes: true,
          noEmit: true,
          skipLibCheck: true,
          types: ["node"],
          typeRoots: [join(project, "node_modules/@types")],
        },
        files: examples,
      }),
    )
    const checked = await runCommand([join(project, "node_modules/.bin/tsc"), "-p", empty])
    expect(checked.stdout + checked.stderr).toBe("")
    expect(checked.status).toBe(0)
  })

  it("have the command", async () => {
    const { stdout } = await runCommand([nodeProgram, join(empty, "node_modules/cryopod/dist/main.cjs"), "--version"])
    expect(stdout).toMatch(/^cryopod version \d/)
  })

  it("run the examples, near and far, with Effect and without", async () => {
    await host.ok("run", "-d", "--name", "web", "base", ...counter)
    const socket = join(host.directory, "engine.sock")
    const [file, ...words] = host.command(["system", "service", "--time", "0", `unix://${socket}`])
    const service = spawn(file, words, { stdio: "ignore" })
    try {
      await eventually(async () => (fs.existsSync(socket) ? true : undefined), "the service")
      const frozen = await host.beyond("web", 1)
      const run = (example: string, ...args: ReadonlyArray<string>) =>
        runCommand([nodeProgram, join(empty, example), `unix://${socket}`, "web", ...args])
      const first = join(host.directory, "first.tar.zst")
      expect(await run("remote.ts", first)).toMatchObject({ status: 0, stdout: `web → ${first}\n`, stderr: "" })
      const second = join(host.directory, "second.tar.zst")
      expect(await run("promises.ts", second)).toMatchObject({
        status: 0,
        stdout: `web → ${second}\nstill here\nexit code 0\nContainerNotFound\n`,
      })
      for (const [at, path] of [first, second].entries()) {
        expect(fs.readFileSync(path).subarray(0, 4).toString("hex")).toBe("28b52ffd")
        await host.ok("container", "restore", "--import", path, "--name", `again${at}`)
        await host.beyond(`again${at}`, frozen)
      }
      const near = await host.shell(
        `cd ${empty} && ${nodeProgram} checkpoint.ts ${host.root} ${host.runroot} web localhost/frozen:1`,
      )
      expect(near).toMatchObject({ status: 0, stdout: "web → localhost/frozen:1\n" })
    } finally {
      service.kill("SIGTERM")
      await once(service, "exit")
    }
  })
})
