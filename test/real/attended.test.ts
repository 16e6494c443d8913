/** Who ends a container takes it down: nothing of ours is started for that beside it, unless it dies at it. */
import * as fs from "node:fs"
import { afterAll, beforeAll, expect, it } from "vitest"
import { brokenBuild, dieHere } from "./support/brokenBuild.ts"
import { eventually, Host } from "./support/Host.ts"
import { counter, importBase } from "./support/workloads.ts"

let host: Host
beforeAll(async () => {
  host = await Host.make()
  await importBase(host)
})
afterAll(() => host.dispose())

/** The command lines of what works on this host's state. */
const working = (): ReadonlyArray<ReadonlyArray<string>> =>
  fs.readdirSync("/proc").flatMap((pid) => {
    if (!/^\d+$/.test(pid)) return []
    try {
      const words = fs.readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0")
      return words.includes(host.runroot) ? [words] : []
    } catch {
      return []
    }
  })

/** Whether anything of ours began to clean up, from here on until conmon is gone. */
const cleansUp = async (end: () => Promise<unknown>): Promise<boolean> => {
  let seen = false
  const watching = setInterval(() => {
    // conmon, and the shell that it starts, have the words behind others
    seen ||= working().some(([program = "", ...words]) => program.endsWith("/node") && words.includes("cleanup"))
  }, 5)
  await end()
  const isConmon = ([program = ""]: ReadonlyArray<string>) => program.endsWith("/conmon")
  await eventually(() => Promise.resolve(working().some(isConmon) ? undefined : true), "conmon to be gone")
  clearInterval(watching)
  return seen
}

const running = (...options: ReadonlyArray<string>) =>
  host.ok("run", "-d", "--network", "none", "--name", "web", ...options, "base", ...counter)

it("a container that ends by itself is taken down by what conmon starts", async () => {
  await running()
  expect(await cleansUp(() => host.ok("kill", "web"))).toBe(true)
  expect(await host.inspect("web", "{{.State.Status}}")).toBe("exited")
  await host.ok("rm", "web")
})

it.each([
  ["stopped", ["stop", "-t", "0", "web"]],
  ["removed", ["rm", "-f", "-t", "0", "web"]],
  ["checkpointed", ["container", "checkpoint", "--create-image", "web:1", "web"]],
])("one that is %s is not", async (_, words) => {
  await running()
  expect(await cleansUp(() => host.ok(...words))).toBe(false)
  await host.run("rm", "web")
})

it("one that is to be removed at its end still is, whoever ends it", async () => {
  await running("--rm")
  expect(await cleansUp(() => host.ok("stop", "-t", "0", "web"))).toBe(true)
  expect((await host.run("container", "exists", "web")).status).toBe(1)
})

it("what a killed checkpoint has left is taken care of without another command", async () => {
  const dies = host.with(
    await brokenBuild({
      file: "packages/abi/src/checkpoint/settle.ts",
      find: "const containers = yield* Containers",
      replace: `${dieHere} const containers = yield* Containers`,
    }),
  )
  await running()
  expect(await cleansUp(() => dies.run("container", "checkpoint", "web"))).toBe(true)
  expect(fs.readFileSync("/proc/mounts", "utf8")).not.toContain(`${host.root}/containers`)
  await host.ok("container", "restore", "web")
  await host.ok("rm", "-f", "-t", "0", "web")
})
