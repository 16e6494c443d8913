/** Several images and containers in one call: each is its own. */
import { afterAll, beforeAll, expect, it } from "vitest"
import { Host } from "./support/Host.ts"
import { counter, importBase, millions } from "./support/workloads.ts"

let host: Host
beforeAll(async () => {
  host = await Host.make()
  await importBase(host)
})
afterAll(() => host.dispose())

it("restores two different workloads from two images in one call, and none of them while a third argument is nothing", async () => {
  const ones = await host.ok("run", "-d", "--name", "ones", "base", ...counter)
  const big = await host.ok("run", "-d", "--name", "big", "base", ...millions)
  await host.beyond("ones", 1)
  await host.beyond("big", 1_000_001)
  await host.ok("container", "checkpoint", "--create-image", "ones:1", "ones")
  await host.ok("container", "checkpoint", "--create-image", "big:1", "big")
  const [lastOnes, lastBig] = [await host.last("ones"), await host.last("big")]
  await host.ok("rm", "ones", "big")

  const refused = await host.run("container", "restore", "ones:1", "nothing:1", "big:1")
  expect([refused.status, refused.stdout]).toEqual([125, ""])
  expect(refused.stderr).toBe("Error: no such container or image: nothing:1\n")
  const ran = await host.ok("container", "restore", "ones:1", "big:1")
  expect(ran.split("\n")).toEqual([ones, big])
  expect(await host.beyond("ones", lastOnes)).toBeLessThan(1000)
  expect(await host.beyond("big", lastBig)).toBeGreaterThan(1_000_000)
  for (const name of ["ones", "big"]) {
    const numbers = await host.numbers(name)
    expect(numbers).toEqual(numbers.map((_, at) => (numbers[0] ?? 0) + at))
  }
})

it("takes a container and an image in one call, each from its own checkpoint", async () => {
  await host.ok("container", "checkpoint", "--create-image", "big:2", "big")
  const lastBig = await host.last("big")
  await host.ok("rm", "big")
  await host.ok("container", "checkpoint", "ones")
  const lastOnes = await host.last("ones")
  const ran = await host.run("container", "restore", "big:2", "ones")
  expect([ran.status, ran.stderr]).toEqual([0, ""])
  expect(ran.stdout.trim().split("\n")[1]).toBe("ones")
  expect(await host.beyond("ones", lastOnes)).toBeLessThan(1000)
  expect(await host.beyond("big", lastBig)).toBeGreaterThan(1_000_000)
})

it("refuses several containers for one image before any of them stands still", async () => {
  const ran = await host.run("container", "checkpoint", "--create-image", "both:1", "ones", "big")
  expect(ran.status).toBe(125)
  expect(ran.stderr).toContain("2 containers cannot be checkpointed into one target")
  expect(await host.ok("ps", "--format", "{{.Names}} {{.State}}")).toBe("ones running\nbig running")
})

it("checkpoints and restores all with --all, by full id", async () => {
  const checkpointed = (await host.ok("container", "checkpoint", "--all")).split("\n")
  expect(checkpointed).toHaveLength(2)
  for (const id of checkpointed) expect(id).toMatch(/^[0-9a-f]{64}$/)
  expect((await host.ok("container", "restore", "--all")).split("\n").toSorted()).toEqual(checkpointed.toSorted())
})

it("freezes a --rm container into an image, after which it is gone and thaws again", async () => {
  const id = await host.ok("run", "-d", "--rm", "--name", "brief", "base", ...counter)
  const refused = await host.run("container", "checkpoint", "brief")
  expect([refused.status, refused.stderr]).toEqual([
    125,
    expect.stringContaining("cannot checkpoint containers that have been started with '--rm'"),
  ])
  await host.beyond("brief", 1)
  await host.ok("container", "checkpoint", "--create-image", "brief:1", "brief")
  expect((await host.run("container", "exists", "brief")).status).toBe(1)
  expect(await host.ok("container", "restore", "brief:1")).toBe(id)
  await host.beyond("brief", 2)
  await host.ok("stop", "-t", "0", "brief")
})

it("prints statistics as one document in microseconds", async () => {
  const document = JSON.parse(await host.ok("container", "checkpoint", "--print-stats", "ones")) as {
    readonly podman_checkpoint_duration: number
    readonly container_statistics: ReadonlyArray<{
      readonly runtime_checkpoint_duration: number
      readonly criu_statistics: Readonly<Record<string, number>>
    }>
  }
  const [one] = document.container_statistics
  expect(document.podman_checkpoint_duration).toBeGreaterThan(one?.runtime_checkpoint_duration ?? Infinity)
  expect(one?.runtime_checkpoint_duration).toBeGreaterThan(one?.criu_statistics["frozen_time"] ?? Infinity)
  expect(one?.criu_statistics["pages_written"]).toBeGreaterThan(0)
  const restored = JSON.parse(await host.ok("container", "restore", "--print-stats", "ones")) as {
    readonly podman_restore_duration: number
    readonly container_statistics: ReadonlyArray<{ readonly criu_statistics: Readonly<Record<string, number>> }>
  }
  expect(restored.podman_restore_duration).toBeGreaterThan(
    restored.container_statistics[0]?.criu_statistics["restore_time"] ?? Infinity,
  )
})

it("makes an image that carries all three families of annotations with true facts", async () => {
  const [image] = JSON.parse(await host.ok("inspect", "big:2")) as ReadonlyArray<{
    readonly Annotations: Readonly<Record<string, string>>
  }>
  const facts = image?.Annotations ?? {}
  expect(facts["io.podman.annotations.checkpoint.name"]).toBe("big")
  expect(facts["io.podman.annotations.checkpoint.runtime.name"]).toBe("runc")
  expect(facts["io.podman.annotations.checkpoint.criu.version"]).toMatch(/^[34]\d{4}$/)
  expect(facts["io.kubernetes.cri-o.annotations.checkpoint.name"]).toBe("big")
  expect(facts["org.criu.checkpoint.container.name"]).toBe("big")
  expect(facts["org.criu.checkpoint.host.kernel"]).toBe((await host.shell("uname -r")).stdout.trim())
})
