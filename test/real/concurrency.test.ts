/** Many containers, several processes at once: each goes on, nothing is used twice, the state stays whole. */
import { afterAll, beforeAll, expect, it } from "vitest"
import { Host } from "./support/Host.ts"
import { counter, importBase } from "./support/workloads.ts"

const count = 50
const processes = 8
const names = Array.from({ length: count }, (_, at) => `many-${at}`)

let host: Host
beforeAll(async () => {
  host = await Host.make()
  await importBase(host)
})
afterAll(() => host.dispose())

/** Work on every name, with as many at once as there are processes. */
const byProcesses = async <A>(work: (name: string) => Promise<A>): Promise<ReadonlyArray<A>> => {
  const done: Array<A> = []
  const waiting = [...names]
  const worker = async () => {
    for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) done.push(await work(name))
  }
  await Promise.all(Array.from({ length: processes }, worker))
  return done
}

it(`${count} containers are run, frozen and thawed by ${processes} processes at once`, async () => {
  await byProcesses((name) => host.ok("run", "-d", "--name", name, "base", ...counter))
  const last = new Map<string, number>()
  await byProcesses(async (name) => {
    await host.beyond(name, 0)
    await host.ok("container", "checkpoint", ...(name.endsWith("0") ? ["--create-image", `${name}:1`] : []), name)
    last.set(name, await host.last(name))
  })
  expect((await host.ok("ps", "-a", "--format", "{{.State}}")).split("\n")).toEqual(names.map(() => "exited"))
  await byProcesses((name) => host.ok("container", "restore", name))
  await byProcesses((name) => host.beyond(name, last.get(name) ?? Infinity))
  for (const name of names) {
    const numbers = await host.numbers(name)
    expect(numbers.findIndex((number, at) => number !== at)).toBe(-1)
  }
}, 1_800_000)

it("the state is consistent with the database, the disk and the kernel", async () => {
  const ran = await host.run("system", "check", "--deep", "--format", "json")
  expect(JSON.parse(ran.stdout)).toMatchObject({ state: [] })
  expect(ran.status).toBe(0)
})

it("they are removed by processes at once, and nothing is left", async () => {
  await byProcesses((name) => host.ok("rm", "-ft0", name))
  expect(await host.ok("ps", "-aq")).toBe("")
  expect((await host.shell(`grep -c ' ${host.directory}/' /proc/self/mountinfo`)).stdout.trim()).toBe("0")
})
