/** `system check --deep` finds what is wrong with the engine's state, and nothing when nothing is. */
import * as fs from "node:fs"
import { join } from "node:path"
import { afterAll, beforeAll, expect, it } from "vitest"
import { Host } from "./support/Host.ts"
import { counter, importBase } from "./support/workloads.ts"

let host: Host
beforeAll(async () => {
  host = await Host.make()
  await importBase(host)
})
afterAll(() => host.dispose())

const problems = async () => {
  const ran = await host.run("system", "check", "--deep", "--format", "json")
  const { state } = JSON.parse(ran.stdout) as { readonly state: ReadonlyArray<{ readonly problem: string }> }
  return { status: ran.status, problems: state.map(({ problem }) => problem) }
}

it("finds nothing where all is well, running, stopped and frozen", async () => {
  await host.ok("run", "-d", "--name", "running", "base", ...counter)
  await host.ok("run", "-d", "--name", "frozen", "base", ...counter)
  await host.ok("container", "checkpoint", "--create-image", "frozen:1", "frozen")
  await host.ok("create", "--name", "new", "base", "true")
  expect(await problems()).toEqual({ status: 0, problems: [] })
})

it("finds an incomplete checkpoint, a stray directory, a lost layer and a damaged document", async () => {
  const id = await host.inspect("frozen", "{{.Id}}")
  const inventory = host.path("containers", id, "userdata/checkpoint/inventory.img")
  fs.renameSync(inventory, `${inventory}.away`)
  fs.mkdirSync(host.path("containers", "stray"))
  const layers = host.path("layers")
  fs.renameSync(layers, `${layers}.away`)
  const [image] = JSON.parse(await host.ok("inspect", "base")) as ReadonlyArray<{ readonly Id: string }>
  const document = host.path("images/blobs/sha256", image?.Id ?? "")
  const content = fs.readFileSync(document)
  fs.writeFileSync(document, Buffer.concat([content, Buffer.from(" ")]))
  const found = await problems()
  expect(found.status).toBe(1)
  expect(found.problems.join("\n")).toMatch(
    /its checkpoint is not complete\n.*stray belongs to no container\nlayer sha256:\S+ is missing\ndocument sha256:\S+ is damaged/,
  )
  fs.renameSync(`${inventory}.away`, inventory)
  fs.rmdirSync(host.path("containers", "stray"))
  fs.renameSync(`${layers}.away`, layers)
  fs.writeFileSync(document, content)
  expect(await problems()).toEqual({ status: 0, problems: [] })
})

it("finds what a dead process left, and a mount without a container in it", async () => {
  const id = await host.inspect("frozen", "{{.Id}}")
  const merged = join(host.path("containers", id), "merged")
  await host.shell(`mount -t tmpfs tmpfs ${merged}`)
  expect((await problems()).problems).toEqual([`${merged} still mounted`])
  await host.shell(`umount ${merged}`)
})
