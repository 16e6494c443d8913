/** What a checkpoint would freeze, and what stands in its way, is known before it is tried: near, and from another host. */
import { type ChildProcess, execFileSync } from "node:child_process"
import * as fs from "node:fs"
import { join } from "node:path"
import { afterAll, beforeAll, expect, it } from "vitest"
import type { CheckpointPlan } from "../../packages/entities/src/index.ts"
import { eventually, Host } from "./support/Host.ts"
import { copyProgram, counter, importBase } from "./support/workloads.ts"

/** Its state lies on a small file system. */
let host: Host
/** A client on another host. */
let client: Host
let service: ChildProcess
let socket = ""

/** Holds a connection with itself, a lock, a deleted file of 3 MiB, and one with another name left. */
const awkward = `
socket(L, 2, 1, 0); bind(L, pack("S n N x8", 2, 7, 0x7f000001)) or die; listen(L, 5);
socket(C, 2, 1, 0); connect(C, pack("S n N x8", 2, 7, 0x7f000001)) or die; accept(A, L) or die;
open(K, ">", "/tmp/lock") or die; flock(K, 2) or die;
open(G, "+>", "/ghost") or die; syswrite(G, "x" x 3145728); unlink("/ghost");
open(N, "+>", "/one") or die; syswrite(N, "kept"); link("/one", "/two") or die; unlink("/one");
$| = 1; while (1) { print $i++ + 0, "\\n"; select(undef, undef, undef, 0.1) }`

beforeAll(async () => {
  const directory = fs.mkdtempSync("/var/tmp/cryopod-test.")
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=160m", "tmpfs", directory])
  host = await Host.make({ directory })
  client = await Host.make()
  await importBase(host, (rootfs) => copyProgram("/usr/bin/perl", rootfs))
  socket = join(client.directory, "host.sock")
  const words = host.command(["system", "service", "--time", "0", `unix://${socket}`])
  service = host.spawn(`exec ${words.map((word) => `'${word}'`).join(" ")}`)
  await eventually(async () => (fs.existsSync(socket) ? true : undefined), "the service")
  await host.ok("run", "-d", "--network", "none", "--name", "awkward", "base", "perl", "-e", awkward)
  await host.beyond("awkward", 1)
  await host.ok("run", "-d", "--network", "none", "--name", "web", "-v", "data:/data", "base", ...counter)
  await host.beyond("web", 1)
  await host.ok(
    "exec",
    "web",
    "sh",
    "-c",
    "dd if=/dev/urandom of=/data/file bs=1M count=2; echo new >/new; rm /etc/group",
  )
})
afterAll(async () => {
  service.kill()
  await client.dispose()
  await host.run("rm", "--all", "--force", "--time", "0")
  execFileSync("umount", ["-l", host.directory])
  await host.dispose()
})

/** Findings that say no, by aspect, with the whole text. */
const planned = async (who: Host, ...words: ReadonlyArray<string>) => {
  const { status, stderr, stdout } = await who.run(...words)
  expect(stderr).toBe("")
  const refused = [...stdout.matchAll(/^(\w+) +no +/gm)].map(([, aspect]) => aspect)
  expect(status).toBe(refused.length === 0 ? 0 : 1)
  return { refused, text: stdout }
}

const dryRun = ["container", "checkpoint", "--dry-run"] as const
const far = () => ["--url", `unix://${socket}`] as const

const state = async () => [
  await host.ok("ps", "-a", "--format", "{{.Names}} {{.State}}"),
  await host.ok("images", "--format", "{{.Repository}}"),
  fs.readdirSync(host.path("tmp")),
]

const wholly = ["--tcp-established", "--file-locks", "--ghost-limit", "10m", "--link-remap"] as const

it("tells everything in the processes that CRIU would refuse, with what helps, and is right about it", async () => {
  const before = await state()
  const { refused, text } = await planned(host, ...dryRun, "awkward")
  expect(refused).toEqual(["connections", "fileLocks", "files", "files"])
  expect(text).toMatch(/the container has established TCP connections: process \d+ \(perl\) descriptor \d+ socket:/)
  expect(text).toMatch(/the container holds file locks: process \d+ \(perl\) descriptor \d+ \/tmp\/lock/)
  expect(text).toMatch(
    /larger than CRIU takes into a checkpoint: process \d+ \(perl\) descriptor \d+ \/ghost \(deleted\)/,
  )
  expect(text).toMatch(
    /whose name was deleted while another name remains: process \d+ \(perl\) descriptor \d+ \/one \(deleted\)/,
  )
  for (const [aspect, flag] of [
    ["connections", "--tcp-established"],
    ["fileLocks", "--file-locks"],
    ["files", "--ghost-limit"],
    ["files", "--link-remap"],
  ])
    expect(text).toMatch(new RegExp(`^${aspect}: .*${flag}`, "m"))
  expect(text).toMatch(/^awkward would not be frozen\.$/m)
  // each option helps against its own alone
  for (const [flags, left] of [
    [["--tcp-established"], ["fileLocks", "files", "files"]],
    [
      ["--file-locks", "--ghost-limit", "4m"],
      ["connections", "files"],
    ],
    [
      ["--tcp-established", "--link-remap", "--ghost-limit", "2m"],
      ["fileLocks", "files"],
    ],
  ] as const)
    expect((await planned(host, ...dryRun, ...flags, "awkward")).refused).toEqual(left)
  expect((await planned(host, ...dryRun, ...wholly, "awkward")).refused).toEqual([])
  await host.beyond("awkward", await host.last("awkward"))
  expect(await state()).toEqual(before)
})

it("a client asks a host whether it can checkpoint this, and gets the same answer", async () => {
  const near = await planned(host, ...dryRun, "awkward")
  const there = await planned(client, ...far(), ...dryRun, "awkward")
  const steady = (text: string) => text.replaceAll(/\d+/g, "0")
  expect(steady(there.text)).toBe(steady(near.text))
  // the archive would lie on the client's side
  const archive = join(client.directory, "never.tar")
  const all = await planned(client, ...far(), ...dryRun, ...wholly, "-e", archive, "awkward")
  expect(all.refused).toEqual([])
  expect(fs.readdirSync(client.directory).filter((name) => name.includes("never"))).toEqual([])
  const nowhere = await client.run(...far(), ...dryRun, "-e", "/nowhere/never.tar", "web")
  expect([nowhere.status, nowhere.stderr]).toEqual([125, expect.stringContaining("/nowhere/never.tar")])
  const answer = await client.shell(
    `curl -s --unix-socket ${socket} 'http://d/v5.0.0/cryopod/containers/web/checkpoint/plan?createImage=web:1'`,
  )
  const plan = JSON.parse(answer.stdout) as CheckpointPlan
  expect(plan).toMatchObject({
    container: "web",
    destination: "localhost/web:1",
    freezes: true,
    volumes: [{ name: "data", sizeBytes: expect.any(Number) as number }],
    rootfs: { deleted: 1 },
  })
  expect(plan.volumes[0]?.sizeBytes).toBeGreaterThanOrEqual(2 << 20)
  expect(plan.rootfs.changed).toBeGreaterThan(0)
  expect(plan.processes).toBeGreaterThan(0)
  expect(plan.memoryBytes).toBeGreaterThan(100_000)
})

it("a target that cannot be, a container that does not run, a full disk: each is told, and nothing is changed", async () => {
  const before = await state()
  const aspects = async (...words: ReadonlyArray<string>) => (await planned(host, ...dryRun, ...words)).refused
  expect(await aspects("--create-image", "Web", "web")).toEqual(["destination"])
  expect(await aspects("-e", "/nowhere/web.tar", "web")).toEqual(["destination"])
  expect(await aspects("--with-previous", "web")).toContain("state")
  await host.ok("pause", "web")
  expect(await aspects("web")).toEqual(["state"])
  await host.ok("unpause", "web")
  const archive = join(host.directory, "web.tar")
  expect(await aspects("-e", archive, "-c", "none", "web")).toEqual([])
  const { bavail, bsize } = fs.statfsSync(host.directory)
  const filler = join(host.directory, "filler")
  execFileSync("fallocate", ["-l", String(bavail * bsize - (6 << 20)), filler])
  expect(await aspects("web")).toEqual(["space"])
  expect((await planned(client, ...far(), ...dryRun, "--create-image", "web:1", "web")).refused).toEqual(["space"])
  const refused = await host.run("container", "checkpoint", "web")
  expect([refused.status, refused.stderr]).toEqual([125, expect.stringContaining("no space for the checkpoint")])
  fs.rmSync(filler)
  const shared = await host.run(...dryRun, "-e", archive, "web", "awkward")
  expect([shared.status, shared.stdout]).toEqual([125, ""])
  expect((await planned(host, ...dryRun, ...wholly, "--all")).text.match(/would be frozen/g)).toHaveLength(2)
  expect(fs.existsSync(archive)).toBe(false)
  expect(await state()).toEqual(before)
})

it("a file that lies where the container cannot see it is told, and CRIU says the same", async () => {
  const hiding = "mount -t tmpfs none /mnt; exec 3>/mnt/file; umount -l /mnt"
  await host.ok(
    "run",
    "-d",
    "--privileged",
    "--name",
    "hidden",
    "base",
    "sh",
    "-c",
    `mkdir /mnt; ${hiding}; ${counter[2]}`,
  )
  await host.beyond("hidden", 1)
  const { refused, text } = await planned(host, ...dryRun, "hidden")
  expect(refused).toEqual(["files"])
  expect(text).toMatch(/a file open that lies outside of it on the host: process \d+ \(sh\) descriptor 3 /)
  const tried = await host.run("container", "checkpoint", "hidden")
  expect([tried.status, tried.stderr]).toEqual([125, expect.stringContaining("Can't lookup mount=")])
  await host.ok("rm", "-ft0", "hidden")
})

it("a CRIU that is not there is told", async () => {
  const words = host.command([...dryRun, "web"])
  const { status, stdout } = await host.shell(
    `CRYOPOD_PREFIX=/nowhere CRYOPOD_CRIU=/nowhere/criu exec ${words
      .slice(3)
      .map((word) => `'${word}'`)
      .join(" ")}`,
  )
  expect([status, stdout]).toEqual([1, expect.stringMatching(/^criu +no +/m)])
})

it("what it says would be frozen is frozen", async () => {
  await host.ok("container", "checkpoint", ...wholly, "awkward")
  const frozen = await host.last("awkward")
  await host.ok("container", "restore", "--tcp-established", "--file-locks", "awkward")
  expect(await host.beyond("awkward", frozen)).toBeGreaterThan(frozen)
})
