/**
 * The container is never lost: every step after the freeze is broken, or the process killed in it, and the container is
 * found running or restorable, the store as before, nothing left mounted. Each protection is then taken out, to show
 * that its test would notice.
 */
import * as fs from "node:fs"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { brokenBuild, type Change, dieHere } from "./support/brokenBuild.ts"
import { eventually, Host } from "./support/Host.ts"
import { copyProgram, counter, importBase } from "./support/workloads.ts"

/** The container runs, or runs again after a restore, and has counted on without a gap. */
const survives = async (host: Host, name: string): Promise<"running" | "restorable" | "lost"> => {
  const status = await host.inspect(name, "{{.State.Status}}").catch(() => "gone")
  if (status === "gone") return "lost"
  if (status !== "running") {
    const restored = await host.run("container", "restore", name)
    if (restored.status !== 0) return "lost"
  }
  await host.beyond(name, await host.last(name))
  const numbers = await host.numbers(name)
  const whole = numbers.every((number, at) => number === (numbers[0] ?? 0) + at)
  return whole ? (status === "running" ? "running" : "restorable") : "lost"
}

const mountsOf = async (host: Host): Promise<number> =>
  Number((await host.shell(`grep -c ' ${host.directory}/' /proc/self/mountinfo`)).stdout)

const leftovers = (host: Host): ReadonlyArray<string> =>
  fs.existsSync(host.path("tmp")) ? fs.readdirSync(host.path("tmp")) : []

/** Store and mounts before and after something that fails. */
const snapshot = async (host: Host) => ({
  images: await host.ok("images", "--format", "{{.ID}} {{.Repository}}:{{.Tag}}"),
  layers: fs.existsSync(host.path("layers"))
    ? fs.readdirSync(host.path("layers")).flatMap((algorithm) => fs.readdirSync(host.path("layers", algorithm)))
    : [],
  mounts: await mountsOf(host),
})

describe("a step that fails", () => {
  let host: Host
  beforeAll(async () => {
    host = await Host.make()
    await importBase(host)
    await importBase(host, (rootfs) => copyProgram("/usr/bin/flock", rootfs), "locking")
    await host.ok("run", "-d", "--name", "web", "base", ...counter)
    await host.beyond("web", 1)
  })
  afterAll(() => host.dispose())

  it("a bad image name is refused before the freeze", async () => {
    const before = await snapshot(host)
    const ran = await host.run("container", "checkpoint", "--create-image", "BAD NAME", "web")
    expect([ran.status, ran.stderr]).toEqual([125, expect.stringContaining("invalid reference format")])
    expect(await survives(host, "web")).toBe("running")
    expect(await snapshot(host)).toEqual(before)
  })

  it("a store that cannot be written to leaves the container running", async () => {
    const before = await snapshot(host)
    await host.shell(
      `mkdir -p ${host.path("layers/sha256")}; mount --bind ${host.path("layers")} ${host.path("layers")}; mount -o remount,bind,ro ${host.path("layers")}`,
    )
    const ran = await host.run("container", "checkpoint", "--create-image", "web:1", "web")
    await host.shell(`umount ${host.path("layers")}`)
    expect(ran.status).toBe(125)
    expect(ran.stderr).toContain("the container runs on")
    expect(await survives(host, "web")).toBe("running")
    expect(await snapshot(host)).toEqual(before)
    expect(leftovers(host)).toEqual([])
  })

  it("the same with --leave-running", async () => {
    await host.shell(
      `mount --bind ${host.path("layers")} ${host.path("layers")}; mount -o remount,bind,ro ${host.path("layers")}`,
    )
    const ran = await host.run("container", "checkpoint", "--leave-running", "--create-image", "web:1", "web")
    await host.shell(`umount ${host.path("layers")}`)
    expect([ran.status, ran.stderr]).toEqual([125, expect.stringContaining("the container runs on")])
    expect(await survives(host, "web")).toBe("running")
  })

  it("without the rescue the container would be lost in that situation", async () => {
    const broken = host.with(
      await brokenBuild({
        file: "packages/abi/src/checkpoint/checkpoint.ts",
        find: "Effect.flatMap(rescue(plan), (container) => {",
        replace: 'Effect.flatMap(Effect.succeed("running" as const), (container) => {',
      }),
    )
    await host.ok("run", "-d", "--name", "victim", "base", ...counter)
    await host.beyond("victim", 1)
    await host.shell(
      `mount --bind ${host.path("layers")} ${host.path("layers")}; mount -o remount,bind,ro ${host.path("layers")}`,
    )
    expect((await broken.run("container", "checkpoint", "--create-image", "victim:1", "victim")).status).toBe(125)
    await host.shell(`umount ${host.path("layers")}`)
    // the container has stopped without a word, where the real program has it running
    expect(await host.inspect("victim", "{{.State.Status}}")).not.toBe("running")
    await host.ok("rm", "-f", "-t", "0", "victim")
  })

  it("established connections and held locks are refused by name, and the container runs on", async () => {
    await host.ok("run", "-d", "--name", "locked", "locking", "flock", "/tmp/lock", ...counter)
    await host.beyond("locked", 1)
    const ran = await host.run("container", "checkpoint", "locked")
    expect(ran.status).toBe(125)
    expect(ran.stderr).toMatch(/failed: exit status 1.*lock/)
    expect(await survives(host, "locked")).toBe("running")
    await host.ok("container", "checkpoint", "--file-locks", "--create-image", "locked:1", "locked")
    await host.ok("rm", "locked")
    await host.ok("container", "restore", "--file-locks", "locked:1")
    expect(await survives(host, "locked")).toBe("running")
  })

  it("a restore that fails leaves nothing behind and the image as it was", async () => {
    await host.ok("container", "checkpoint", "--create-image", "web:2", "web")
    await host.ok("rm", "web")
    const before = await snapshot(host)
    const id = (await host.run("inspect", "--format", "{{.Id}}", "web:2")).stdout.trim()
    const layer =
      fs
        .readdirSync(host.path("layers/sha256"))
        .find((name) =>
          fs.readFileSync(host.path("layers/sha256", name, "config.dump"), "utf8").includes('"name": "web"'),
        ) ?? ""
    const inventory = host.path("layers/sha256", layer, "checkpoint/pstree.img")
    fs.renameSync(inventory, `${inventory}.away`)
    const ran = await host.run("container", "restore", "web:2")
    fs.renameSync(`${inventory}.away`, inventory)
    expect([ran.status, id]).toEqual([125, expect.stringMatching(/^[0-9a-f]{64}$/)])
    expect(ran.stderr).toContain("OCI runtime error: runc")
    expect(await host.ok("ps", "-aq", "--filter", "name=^web$")).toBe("")
    expect(await snapshot(host)).toEqual(before)
    await host.ok("container", "restore", "web:2")
    expect(await survives(host, "web")).toBe("running")
  })
})

describe("a full disk", () => {
  let host: Host
  beforeAll(async () => {
    host = await Host.make()
    fs.mkdirSync(host.root)
    await host.shell(`mount -t tmpfs -o size=64m tmpfs ${host.root}`)
    await importBase(host)
  })
  afterAll(async () => {
    await host.run("rm", "--all", "--force", "--time", "0")
    await host.shell(`umount -l ${host.root}`)
    await host.dispose()
  })

  const withFile = (mebibytes: number) => [
    "sh",
    "-c",
    `dd if=/dev/urandom of=/big bs=1M count=${mebibytes} 2>/dev/null; ${counter[2] ?? ""}`,
  ]

  it("that has no room for the changed files leaves the container running", async () => {
    await host.ok("run", "-d", "--name", "wide", "base", ...withFile(30))
    await host.beyond("wide", 1)
    const before = await snapshot(host)
    const ran = await host.run("container", "checkpoint", "--create-image", "wide:1", "wide")
    expect(ran.status).toBe(125)
    expect(ran.stderr).toMatch(/collect:.*the container runs on/s)
    expect(await survives(host, "wide")).toBe("running")
    expect(await snapshot(host)).toEqual(before)
    expect(leftovers(host)).toEqual([])
    await host.ok("rm", "-f", "-t", "0", "wide")
  })

  it("that has no room for the memory is refused before the freeze", async () => {
    await host.ok("run", "-d", "--name", "deep", "base", ...withFile(46))
    await host.beyond("deep", 1)
    const ran = await host.run("container", "checkpoint", "deep")
    expect([ran.status, ran.stderr]).toEqual([125, expect.stringContaining("no space for the checkpoint")])
    expect(await survives(host, "deep")).toBe("running")
    await host.ok("rm", "-f", "-t", "0", "deep")
  })
})

describe("a process that is killed", () => {
  let host: Host
  beforeAll(async () => {
    host = await Host.make()
    await importBase(host)
  })
  afterAll(() => host.dispose())

  const abi = (file: string) => `packages/abi/src/${file}`
  const kill = (file: string, find: string): Change => ({
    file: abi(file),
    find,
    replace: `yield* Effect.sync(() => { ${dieHere} });\n${find}`,
  })

  /** Where a checkpoint into an image can die. */
  const deaths: ReadonlyArray<readonly [string, Change]> = [
    ["before the dump", kill("checkpoint/dump.ts", "const began = yield* Clock.currentTimeNanos")],
    ["right after the dump", kill("checkpoint/dump.ts", "const runtimeMicros =")],
    ["while files are taken", kill("checkpoint/collect.ts", "const { archived, deleted } = yield* scanRootfs(")],
    ["before the image is made", kill("checkpoint/commitImage.ts", "const facts = yield* checkpointFacts(")],
    ["when the image is made", kill("checkpoint/settle.ts", "const { options, paths, record } = plan")],
    ["before the stop is written down", kill("checkpoint/settle.ts", "const stopped = yield* containers.update(")],
    ["after the stop is written down", kill("checkpoint/settle.ts", "yield* lastWords(plan)")],
  ]

  it.each(deaths)("%s leaves the container running or restorable", async (_, change) => {
    await host.ok("run", "-d", "--name", "web", "base", ...counter)
    await host.beyond("web", 1)
    const killed = await host
      .with(await brokenBuild(change))
      .run("container", "checkpoint", "--create-image", "web:killed", "web")
    expect(killed.status).toBe(137)
    expect(await survives(host, "web")).not.toBe("lost")
    await host.ok("rm", "-f", "-t", "0", "web")
    expect(await mountsOf(host)).toBe(0)
    // what was half made is swept by the next one
    await host.ok("run", "-d", "--name", "next", "base", ...counter)
    await host.ok("container", "checkpoint", "--create-image", "next:1", "next")
    expect(leftovers(host)).toEqual([])
    await host.ok("rm", "next")
  })

  it("while it leaves a container running thaws it with the next command", async () => {
    await host.ok("run", "-d", "--name", "web", "base", ...counter)
    await host.beyond("web", 1)
    const change = kill("checkpoint/collect.ts", "const { archived, deleted } = yield* scanRootfs(")
    expect(
      (
        await host
          .with(await brokenBuild(change))
          .run("container", "checkpoint", "--leave-running", "--create-image", "web:killed", "web")
      ).status,
    ).toBe(137)
    await host.run("container", "checkpoint", "web")
    expect(await survives(host, "web")).toBe("restorable")
    await host.ok("rm", "-f", "-t", "0", "web")
  })

  it("without the repair the container would be lost in that situation", async () => {
    // the build that dies is also the one that conmon calls when the container has ended
    const unrepaired = host.with(
      await brokenBuild(
        kill("checkpoint/commitImage.ts", "const facts = yield* checkpointFacts("),
        {
          file: abi("container/repair.ts"),
          find: "const restorable = yield* hasCompleteDump(paths)",
          replace: "const restorable = false; yield* removeDump(paths)",
        },
        {
          file: abi("container/repair.ts"),
          find: "const dumpEnded =",
          replace:
            "const removeDump = (paths: ContainerPaths) => Effect.sync(() => fs.rmSync(paths.checkpoint, { recursive: true, force: true }))\nconst dumpEnded =",
        },
      ),
    )
    await unrepaired.ok("run", "-d", "--name", "web", "base", ...counter)
    await host.beyond("web", 1)
    await unrepaired.run("container", "checkpoint", "--create-image", "web:killed", "web")
    await unrepaired.run("stop", "web")
    expect(await survives(host, "web")).toBe("lost")
    await host.ok("rm", "-f", "-t", "0", "web")
  })

  /** Where a restore from an image can die. */
  const importDeaths: ReadonlyArray<readonly [string, Change]> = [
    ["before anything is mounted", kill("restore/stage.ts", "yield* makeContainerDirectories(paths)")],
    ["while files are replayed", kill("restore/replay.ts", "const shm = ")],
    ["when the processes run already", kill("restore/settle.ts", "const at = DateTime.formatIso(yield* DateTime.now)")],
  ]

  it.each(importDeaths)("during a restore %s leaves a container that runs, or none", async (_, change) => {
    await host.ok("run", "-d", "--name", "web", "base", ...counter)
    await host.beyond("web", 1)
    await host.ok("container", "checkpoint", "--create-image", "web:1", "web")
    await host.ok("rm", "web")
    expect((await host.with(await brokenBuild(change)).run("container", "restore", "web:1")).status).toBe(137)
    await host.run("container", "restore", "web:1")
    expect(await survives(host, "web")).toBe("running")
    await host.ok("rm", "-f", "-t", "0", "web")
    expect(await mountsOf(host)).toBe(0)
  })

  it("is told apart from one that works: a second command waits for the first", async () => {
    await host.ok("run", "-d", "--name", "web", "base", ...counter)
    await host.beyond("web", 1)
    const both = await Promise.all([
      host.run("container", "checkpoint", "--leave-running", "--create-image", "web:a", "web"),
      host.run("container", "checkpoint", "--leave-running", "--create-image", "web:b", "web"),
      host.run("ps", "-a"),
    ])
    expect(both.map(({ status }) => status)).toEqual([0, 0, 0])
    expect(await survives(host, "web")).toBe("running")
    await host.ok("rm", "-f", "-t", "0", "web")
    await eventually(async () => ((await mountsOf(host)) === 0 ? true : undefined), "mounts to go")
  })
})
