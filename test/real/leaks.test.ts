/** Twenty rounds leave behind what one does. */
import * as fs from "node:fs"
import { afterAll, beforeAll, expect, it } from "vitest"
import { Host } from "./support/Host.ts"
import { counter, importBase } from "./support/workloads.ts"

let host: Host
beforeAll(async () => {
  host = await Host.make()
  await importBase(host)
})
afterAll(() => host.dispose())

const filesBelow = (directory: string): number =>
  fs.readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) => !entry.isDirectory()).length

/** What of the container and of the engine is on this machine at the moment. */
const census = async () => ({
  cgroups: Number((await host.shell("find /sys/fs/cgroup -type d | wc -l")).stdout),
  mounts: Number((await host.shell(`grep -c ' ${host.directory}/' /proc/self/mountinfo`)).stdout),
  processes: Number((await host.shell(`pgrep -fc '${host.root}' || true`)).stdout) - 1,
  sockets: Number((await host.shell("grep -c . /proc/net/unix")).stdout),
  files: filesBelow(host.root) + filesBelow(host.runroot),
  namespaces: Number((await host.shell("readlink /proc/[0-9]*/ns/net | sort -u | wc -l")).stdout),
})

const settled = async () => {
  // conmon's call after the end of a container may still be under way
  let last = await census()
  for (let tries = 0; tries < 50; tries++) {
    await new Promise((resolve) => setTimeout(resolve, 200))
    const next = await census()
    if (JSON.stringify(next) === JSON.stringify(last)) return next
    last = next
  }
  return last
}

it("of checkpoint and restore in place", async () => {
  await host.ok("run", "-d", "--name", "web", "base", ...counter)
  const round = async () => {
    await host.ok("container", "checkpoint", "web")
    await host.ok("container", "restore", "web")
  }
  await round()
  const one = await settled()
  for (let turn = 1; turn < 20; turn++) await round()
  expect(await settled()).toEqual(one)
  const numbers = await host.numbers("web")
  expect(numbers).toEqual(numbers.map((_, at) => at))
})

it("of image, removal and restore", async () => {
  const round = async () => {
    await host.ok("container", "checkpoint", "--create-image", "web:1", "web")
    await host.ok("rm", "web")
    await host.ok("container", "restore", "web:1")
    // the image that lost its name to the next one
    const dangling = await host.ok("images", "-q", "--filter", "dangling=true")
    if (dangling !== "") await host.ok("rmi", ...dangling.split("\n"))
  }
  await round()
  const one = await settled()
  for (let turn = 1; turn < 20; turn++) await round()
  expect(await settled()).toEqual(one)
  const numbers = await host.numbers("web")
  expect(numbers).toEqual(numbers.map((_, at) => at))
})
