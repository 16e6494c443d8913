/** cryopod's own memory does not grow with the container's. */
import * as fs from "node:fs"
import { afterAll, beforeAll, expect, it } from "vitest"
import { brokenBuild } from "./support/brokenBuild.ts"
import { eventually, Host } from "./support/Host.ts"
import { counter, importBase } from "./support/workloads.ts"

let host: Host
beforeAll(async () => {
  host = await Host.make()
  await importBase(host)
})
afterAll(() => host.dispose())

const mebibytes = 256
const ceilingBytes = 200 * 2 ** 20

/** dd reads one block and cannot get rid of it, because nobody reads the pipe: half random memory, half zeros. */
const hold = `
  mkfifo /a /b; sleep 100000 < /a & sleep 100000 < /b &
  dd if=/dev/urandom of=/a bs=${mebibytes / 2}M count=1 iflag=fullblock &
  dd if=/dev/zero of=/b bs=${mebibytes / 2}M count=1 iflag=fullblock &
  ${counter[2] ?? ""}`

/** Resident memory of everything in the container. */
const resident = async (): Promise<number> => {
  const { stdout } = await host.shell(
    `cat /sys/fs/cgroup/memory/cryopod/$(${host.command(["inspect", "--format", "{{.Id}}", "large"]).join(" ").replace("{{.Id}}", "'{{.Id}}'")})/memory.usage_in_bytes`,
  )
  return Number(stdout)
}

it(`stays under 200 MiB while it freezes and thaws ${mebibytes} MiB`, async () => {
  await host.ok("run", "-d", "--name", "large", "base", "sh", "-c", hold)
  const grown = async () => ((await resident()) > mebibytes * 2 ** 20 ? true : undefined)
  await eventually(grown, "the container to grow", 60)
  const frozen = await host.run("container", "checkpoint", "--create-image", "large:1", "large")
  expect([frozen.status, frozen.stderr]).toEqual([0, ""])
  const written = Number((await host.shell(`du -sm ${host.path("layers")} | cut -f1`)).stdout)
  expect(written).toBeGreaterThan(mebibytes)
  await host.ok("rm", "large")
  const thawed = await host.run("container", "restore", "large:1")
  expect([thawed.status, thawed.stderr]).toEqual([0, ""])
  await host.beyond("large", await host.last("large"))
  expect(frozen.peakBytes).toBeGreaterThan(10 * 2 ** 20)
  expect(frozen.peakBytes).toBeLessThan(ceilingBytes)
  expect(thawed.peakBytes).toBeLessThan(ceilingBytes)
})

it("makes the image without a second copy of the memory on disk", async () => {
  await host.ok("container", "checkpoint", "--create-image", "large:2", "large")
  const { stdout } = await host.shell(`du -sm ${host.root} | cut -f1; du -sm ${host.path("layers")} | cut -f1`)
  const [all = 0, layers = 0] = stdout.trim().split("\n").map(Number)
  // two checkpoints, and what is not memory: the container's own copy is the same file under another name
  expect(layers).toBeGreaterThan(2 * mebibytes)
  expect(all).toBeLessThan(layers + mebibytes / 2)
  await host.ok("run", "-d", "--name", "small", "base", ...counter)
})

it("answers before the digest is taken, which is that of the archive", async () => {
  await host.ok("container", "restore", "large")
  // a program behind which nothing begins: what it leaves waits for whoever asks first
  const alone = await brokenBuild({
    file: "packages/abi/src/checkpoint/commitImage.ts",
    find: 'startBehind([...selfCommand, "images", "--quiet"])',
    replace: "Effect.void",
  })
  await host.with(alone).ok("container", "checkpoint", "--create-image", "large:3", "large")
  expect(fs.readdirSync(host.path("layers", "pending"))).toHaveLength(1)
  // what leaves is held against the digest, byte for byte
  await host.ok("push", "large:3", `oci:${host.path("..", "pushed")}`)
  expect(fs.readdirSync(host.path("layers", "pending"))).toEqual([])
})

it("takes the digest behind a checkpoint that is done", async () => {
  await host.ok("container", "restore", "large")
  const frozen = await host.run("container", "checkpoint", "--create-image", "large:4", "large")
  expect([frozen.status, frozen.stderr]).toEqual([0, ""])
  await eventually(
    async () => (fs.readdirSync(host.path("layers", "pending")).length === 0 ? true : undefined),
    "the digest",
    60,
  )
  await host.ok("image", "exists", "large:4")
})
