/** What checkpointctl tells of an archive, cryopod tells too; and an archive is looked into without its memory on disk. */
import { spawnSync } from "node:child_process"
import * as fs from "node:fs"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import type { CheckpointInspect, MemoryFinding } from "../../packages/entities/src/index.ts"
import { Host, project, runCommand } from "./support/Host.ts"
import { counter, importBase } from "./support/workloads.ts"

const peer = join(project, "scripts/peer")
let host: Host
let share = ""

/** Holds what checkpointctl shows: files, pipes, sockets of several kinds, children. */
const busy = [
  "sh",
  "-c",
  "export SECRET=xyzzy-4711; exec 5>/tmp/open; (while :; do sleep 1; done) & nc -l -p 8080 & nc -ll -p 9090 -e cat & i=0; while :; do echo $i; i=$((i+1)); sleep 0.1; done",
]

beforeAll(async () => {
  const built = await runCommand([peer, "build"])
  if (built.status !== 0) throw new Error(built.stderr)
  host = await Host.make()
  share = join(host.directory, "share")
  fs.mkdirSync(share)
  await importBase(host)
  await host.ok("run", "-d", "--network", "none", "--name", "busy", "--label", "team=cold", "base", ...busy)
  await host.beyond("busy", 3)
  await host.ok(
    "exec",
    "busy",
    "sh",
    "-c",
    "echo changed > /etc/passwd; mkdir /srv; echo new > /srv/file; rm /etc/group",
  )
  for (const [name, compression] of [
    ["plain.tar", "none"],
    ["small.tar.zst", "zstd"],
  ] as const) {
    const path = join(share, name)
    await host.ok("container", "checkpoint", "--leave-running", "-e", path, "-c", compression, "busy")
  }
  await host.ok("container", "checkpoint", "busy")
})
afterAll(() => host.dispose())

const inspected = async (ref: string, ...options: ReadonlyArray<string>): Promise<CheckpointInspect> => {
  const [seen] = JSON.parse(
    await host.ok("checkpoint", "inspect", "--format", "json", ...options, ref),
  ) as ReadonlyArray<CheckpointInspect>
  if (seen === undefined) throw new Error(`nothing is seen of ${ref}`)
  return seen
}

const textOf = (value: unknown): string => (typeof value === "string" ? value : "")
const byPid = ([a]: ReadonlyArray<unknown>, [b]: ReadonlyArray<unknown>) => Number(a) - Number(b)

interface PeerProcess {
  readonly pid: number
  readonly command: string
  readonly children?: ReadonlyArray<PeerProcess>
}

interface PeerView {
  readonly container_name: string
  readonly image: string
  readonly id: string
  readonly runtime: string
  readonly created: string
  readonly engine: string
  readonly checkpoint_size: { readonly total_size: number; readonly memory_pages_size: number }
  readonly statistics: Readonly<Record<string, number>>
  readonly process_tree: PeerProcess
  readonly file_descriptors: ReadonlyArray<{
    readonly pid: number
    readonly open_files: ReadonlyArray<{ readonly type: string; readonly fd: string; readonly path: string }>
  }>
  readonly sockets: ReadonlyArray<{
    readonly pid: number
    readonly open_sockets: ReadonlyArray<{
      readonly protocol: string
      readonly data: Readonly<Record<string, unknown>>
    }>
  }>
  readonly mounts: ReadonlyArray<{ readonly destination: string; readonly type: string; readonly source: string }>
}

describe("beside checkpointctl", () => {
  let theirs: PeerView
  let ours: CheckpointInspect
  beforeAll(async () => {
    const ran = await runCommand([
      "env",
      `PEER_SHARE=${share}`,
      peer,
      "enter",
      "checkpointctl",
      "inspect",
      "--all",
      "--sockets",
      "--format",
      "json",
      "/share/plain.tar",
    ])
    expect([ran.status, ran.stderr]).toEqual([0, ""])
    const [view] = JSON.parse(ran.stdout.slice(ran.stdout.indexOf("["))) as ReadonlyArray<PeerView>
    if (view === undefined) throw new Error("checkpointctl sees nothing")
    theirs = view
    ours = await inspected(join(share, "plain.tar"))
  })

  it("the container is the same", () => {
    expect({
      container_name: ours.container.name,
      image: ours.container.image,
      id: ours.container.id,
      runtime: ours.container.runtime,
      engine: ours.container.engine,
      created: ours.container.created.replace(/\.\d+Z$/, "Z"),
      checkpoint_size: { total_size: ours.sizes.checkpoint, memory_pages_size: ours.sizes.pages },
    }).toEqual({
      container_name: theirs.container_name,
      image: theirs.image,
      id: theirs.id,
      runtime: theirs.runtime,
      engine: theirs.engine,
      created: theirs.created,
      checkpoint_size: {
        // of images that we wrote, checkpointctl does not count what it does not know
        total_size: theirs.checkpoint_size.total_size,
        memory_pages_size: theirs.checkpoint_size.memory_pages_size,
      },
    })
    expect(ours.statistics).toMatchObject(theirs.statistics)
  })

  it("every process is there, below its parent", () => {
    const flat = (process: PeerProcess, parent: number): ReadonlyArray<readonly [number, number, string]> => [
      [process.pid, parent, process.command],
      ...(process.children ?? []).flatMap((child) => flat(child, process.pid)),
    ]
    expect(ours.processes.map(({ name, parent, pid }) => [pid, parent, name]).toSorted(byPid)).toEqual(
      flat(theirs.process_tree, 0).toSorted(byPid),
    )
  })

  it("every open file is there", () => {
    expect(theirs.file_descriptors.length).toBe(ours.processes.length)
    for (const { open_files: files, pid } of theirs.file_descriptors) {
      const own = ours.processes.find((process) => process.pid === pid)?.files ?? []
      const known = own.map(({ fd, path, type }) => [type === "" ? fd : `${type} ${fd}`, path])
      // checkpointctl numbers other kinds, we say what they are
      const isNamed = ({ type }: { readonly type: string }) => ["REG", "PIPE", ""].includes(type)
      expect(known).toEqual(expect.arrayContaining(files.filter(isNamed).map(({ fd, path }) => [fd, path])))
      expect(known.map(([name]) => name)).toEqual(expect.arrayContaining(files.map(({ fd }) => fd)))
    }
  })

  it("every socket is there, with its addresses", () => {
    const all = theirs.sockets.flatMap(({ open_sockets: sockets, pid }) =>
      sockets.map((socket) => ({ pid, ...socket })),
    )
    expect(all.length).toBeGreaterThan(0)
    for (const { data, pid, protocol } of all) {
      const own = ours.sockets.filter((socket) => socket.pid === pid)
      const texts = own.map((socket) => JSON.stringify([socket.protocol, socket.state, socket.local, socket.localPort]))
      const word = protocol.split(" ")[0] ?? ""
      const address = textOf(data["src"]) || textOf(data["address"])
      const port = typeof data["src_port"] === "number" ? String(data["src_port"]) : ""
      const has = texts.some((text) => [word, address, port].every((part) => text.includes(part)))
      expect([protocol, data, has]).toEqual([protocol, data, true])
    }
  })

  it("every mount is there", () => {
    const own = ours.mounts.map(({ destination, source, type }) => ({ destination, type, source }))
    expect(own).toEqual(expect.arrayContaining([...theirs.mounts]))
  })
})

it("one checkpoint looks the same as a container and in archives, compressed or not", async () => {
  const [container, plain, small] = [
    await inspected("busy", "--ps-tree-env"),
    await inspected(join(share, "plain.tar"), "--ps-tree-env"),
    await inspected(join(share, "small.tar.zst"), "--ps-tree-env"),
  ]
  // the loops go on between the checkpoints: what is no longer there in another is a sleep, or the fork that becomes one
  const isLasting = (pid: number) =>
    [container, plain, small].every(({ processes }) =>
      processes.some((process) => process.pid === pid && process.name !== "sleep"),
    )
  const facts = ({
    container: { engine: _, ...rest },
    kind: __,
    processes,
    rootfs,
    source: ___,
  }: CheckpointInspect) => ({
    ...rest,
    rootfs: { changed: rootfs.changed.filter((path) => path !== "/").toSorted(), deleted: rootfs.deleted },
    processes: processes
      .filter(({ pid }) => isLasting(pid))
      .map(({ arguments: words, environment, pid }) => ({ pid, words, environment })),
  })
  // the counter, the other loop and the two that listen
  expect(facts(plain).processes).toHaveLength(4)
  expect(facts(small)).toEqual(facts(plain))
  expect(facts(container)).toMatchObject({ ...facts(plain), rootfs: expect.anything() })
  expect(plain.processes[0]?.environment).toContain("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
  expect(facts(plain).rootfs).toMatchObject({
    changed: expect.arrayContaining(["/etc/passwd", "/srv/file"]),
    deleted: ["/etc/group"],
  })
  expect(plain).toMatchObject({ origin: "here", labels: { team: "cold" } })
})

it("shows a tree and a table", async () => {
  const tree = await host.ok("checkpoint", "inspect", "--all", "busy")
  for (const text of [
    "busy\n├── Image: localhost/base:latest",
    "Open files",
    "[REG 5]  /tmp/open",
    ":8080",
    "LISTEN",
    "[heap]",
  ])
    expect(tree).toContain(text)
  const one = await host.ok("checkpoint", "inspect", "--ps-tree-cmd", "--pid", "1", "busy")
  expect(one).toContain(`[1]  sh -c ${busy[2]}`)
  expect(await host.ok("checkpoint", "inspect", "--format", "table", "busy")).toMatch(
    /^PID +PPID +STATE.*\n1 +0 +alive/,
  )
  const missing = await host.run("checkpoint", "inspect", "--pid", "4000", "busy")
  expect([missing.status, missing.stderr]).toEqual([125, expect.stringContaining("has no process 4000")])
})

it("lists what there is", async () => {
  const rows = JSON.parse(await host.ok("checkpoint", "list", "--format", "json", share)) as ReadonlyArray<object>
  expect(rows).toMatchObject([
    { kind: "container", source: "busy" },
    { kind: "archive", source: join(share, "plain.tar"), container: "busy", engine: "Podman" },
    { kind: "archive", source: join(share, "small.tar.zst"), container: "busy" },
  ])
})

it("finds a secret in memory, dumps it, and says so when there is none", async () => {
  for (const ref of ["busy", join(share, "small.tar.zst")]) {
    const found = (
      await host.ok("checkpoint", "memory", "search", "-s", "xyzzy-4711", "-c", "7", "--format", "json", ref)
    )
      .split("\n")
      .map((line) => JSON.parse(line) as MemoryFinding)
    expect(found.length).toBeGreaterThan(1)
    expect(found.map(({ context }) => Buffer.from(context, "hex").toString("latin1"))).toContainEqual(
      expect.stringContaining("SECRET=xyzzy-4711"),
    )
  }
  const output = join(host.directory, "memory.bin")
  await host.ok("checkpoint", "memory", "dump", "-p", "1", "-o", output, "busy")
  expect(fs.readFileSync(output).includes("xyzzy-4711")).toBe(true)
  expect(fs.statSync(output).mode & 0o077).toBe(0)
  expect((await host.run("checkpoint", "memory", "search", "-s", "nobody has this", "busy")).status).toBe(1)
  expect(await host.ok("checkpoint", "memory", "show", "--pid", "1", "busy")).toContain("|SECRET=xyzzy")
})

it("tells what differs", async () => {
  await host.ok("container", "restore", "--keep", "busy")
  await host.ok("exec", "busy", "sh", "-c", "echo more > /srv/more")
  const after = join(share, "after.tar")
  await host.ok("container", "checkpoint", "-e", after, "busy")
  const text = await host.ok("checkpoint", "diff", join(share, "plain.tar"), after)
  expect(text).toContain("+ /srv/more")
  expect(text).toMatch(/~ \[1\] sh -c .*different/)
  expect(await host.ok("checkpoint", "diff", "--format", "json", after, after)).toContain('"processes": []')
})

it("does not write memory to disk to look at an archive, nor keep it in memory", async () => {
  const ballast = 96 << 20
  await host.ok(
    "run",
    "-d",
    "--name",
    "big",
    "base",
    "sh",
    "-c",
    `x=$(head -c ${ballast} /dev/zero | tr '\\0' x); ${counter[2] ?? ""}`,
  )
  await host.beyond("big", 5)
  const path = join(share, "big.tar")
  await host.ok("container", "checkpoint", "-e", path, "-c", "none", "big")
  expect(fs.statSync(path).size).toBeGreaterThan(ballast)
  const temporary = host.path("tmp")
  let most = 0
  const watching = setInterval(() => {
    // Its status is not asked: files go away while it looks, which it tells and then gives the rest.
    const { stdout } = spawnSync("du", ["-sk", temporary], { encoding: "utf8" })
    most = Math.max(most, Number(stdout.split("\t")[0]) * 1024)
  }, 20)
  const ran = await host.run("checkpoint", "inspect", "--ps-tree-cmd", path)
  clearInterval(watching)
  expect(ran.stdout).toContain("[1]  sh -c x=$(head")
  expect(most).toBeLessThan(16 << 20)
  expect(ran.peakBytes).toBeLessThan(300 << 20)
})
