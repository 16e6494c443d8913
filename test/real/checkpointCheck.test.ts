/** Whether a checkpoint would thaw is known before it is tried, and a restore that cannot work changes nothing. */
import { type ChildProcess, execFileSync } from "node:child_process"
import * as fs from "node:fs"
import { join } from "node:path"
import { afterAll, beforeAll, expect, it } from "vitest"
import type { CheckpointCheck } from "../../packages/entities/src/index.ts"
import { rewritten, withoutEqual } from "./support/craft.ts"
import { eventually, Host } from "./support/Host.ts"
import { counter, importBase } from "./support/workloads.ts"

let maker: Host
/** Its state lies on a small file system. */
let taker: Host
let service: ChildProcess
let socket = ""
let archive = ""
let members = ""

beforeAll(async () => {
  maker = await Host.make()
  const directory = fs.mkdtempSync("/var/tmp/cryopod-test.")
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=96m", "tmpfs", directory])
  taker = await Host.make({ directory })
  await importBase(maker)
  const base = join(maker.directory, "base-image.tar")
  await maker.ok("save", "-o", base, "base")
  await taker.ok("load", "-i", base)
  await maker.ok("run", "-d", "--network", "none", "--name", "web", "base", ...counter)
  await maker.beyond("web", 1)
  await maker.ok("exec", "web", "dd", "if=/dev/urandom", "of=/ballast", "bs=1M", "count=12")
  archive = join(maker.directory, "web.tar")
  await maker.ok("container", "checkpoint", "--leave-running", "-e", archive, "-c", "none", "web")
  await maker.ok("container", "checkpoint", "--create-image", "web:1", "web")
  const saved = join(maker.directory, "web-image.tar")
  await maker.ok("save", "--format", "oci-archive", "-o", saved, "web:1")
  await taker.ok("load", "-i", saved)
  socket = join(maker.directory, "taker.sock")
  const words = taker.command(["system", "service", "--time", "0", `unix://${socket}`])
  service = taker.spawn(`exec ${words.map((word) => `'${word}'`).join(" ")}`)
  await eventually(async () => (fs.existsSync(socket) ? true : undefined), "the taker's service")
  members = join(maker.directory, "members")
  fs.mkdirSync(members)
  execFileSync("tar", ["-C", members, "-xf", archive])
})
afterAll(async () => {
  service.kill()
  await maker.dispose()
  await taker.run("rm", "--all", "--force", "--time", "0")
  execFileSync("umount", ["-l", taker.directory])
  await taker.dispose()
})

const verdict = async (host: Host, ...words: ReadonlyArray<string>) => {
  const { status, stderr, stdout } = await host.run(...words)
  if (stdout === "") throw new Error(stderr)
  const { findings, thaws } = JSON.parse(stdout) as CheckpointCheck
  expect(status).toBe(thaws ? 0 : 1)
  return findings.filter((one) => one.status === "no").map(({ aspect, problem }) => `${aspect}: ${problem}`)
}

/** What the taker says, who is asked on the spot and by the maker, through its service. */
const checked = async (...words: ReadonlyArray<string>) => {
  const asking = ["checkpoint", "check", "--format", "json", ...words]
  const near = await verdict(taker, ...asking)
  const far = await verdict(maker, "--url", `unix://${socket}`, ...asking)
  // how much room there is changes from one moment to the next; a service does not know what its client calls a file
  const steady = (texts: ReadonlyArray<string>) =>
    texts.map((text) => text.replace(words.at(-1) ?? "", "archive").replaceAll(/\d{5,} (?:bytes|are)/g, "some"))
  expect(steady(far)).toEqual(steady(near))
  return near
}

const expectNothing = async () => {
  expect(await taker.ok("ps", "-a", "-q")).toBe("")
  // made by the first container
  const directory = taker.path("containers")
  expect(fs.existsSync(directory) ? fs.readdirSync(directory) : []).toEqual([])
}

/** The archive with something changed. */
const crafted = (change: (directory: string) => void): string => {
  const directory = fs.mkdtempSync(join(maker.directory, "crafted."))
  fs.cpSync(members, directory, { recursive: true })
  change(directory)
  execFileSync("tar", ["-C", directory, "-cf", `${directory}.tar`, "."])
  return `${directory}.tar`
}

it("says yes to what then works", async () => {
  expect(await checked(archive)).toEqual([])
  expect(await checked("web:1")).toEqual([])
  expect(await taker.ok("container", "restore", "--dry-run", "web:1")).toContain("web would thaw here.")
  await expectNothing()
  await taker.ok("container", "restore", "web:1")
  await taker.beyond("web", await taker.last("web"))
  await taker.ok("rm", "-ft0", "web")
})

it("a processor with less is told before anything changes, and can be insisted on", async () => {
  const path = crafted((directory) => {
    rewritten(join(directory, "checkpoint/cpuinfo.img"), "cpuinfo", withoutEqual)
  })
  expect(await checked(path)).toEqual([expect.stringMatching(/^cpu: this processor lacks feature 6:31/)])
  const refused = await taker.run("container", "restore", "-i", path)
  expect([refused.status, refused.stderr]).toEqual([125, expect.stringContaining("insist on it by the name cpu")])
  await expectNothing()
  expect(await checked("--force", "cpu", path)).toEqual([])
  await taker.ok("container", "restore", "--force", "cpu", "-i", path)
  await taker.ok("rm", "-ft0", "web")
  const unknown = await taker.run("container", "restore", "--force", "everything", "-i", path)
  expect([unknown.status, unknown.stderr]).toEqual([125, expect.stringContaining('--force does not know "everything"')])
})

it("another runtime, a taken name, what the policy refuses: each is told, and all at once", async () => {
  const path = crafted((directory) => {
    const file = join(directory, "config.dump")
    fs.writeFileSync(file, fs.readFileSync(file, "utf8").replace('"runtime": "runc"', '"runtime": "crun"'))
    const spec = join(directory, "spec.dump")
    fs.writeFileSync(spec, fs.readFileSync(spec, "utf8").replace('"CAP_CHOWN"', '"CAP_SYS_ADMIN"'))
  })
  await taker.ok("create", "--name", "web", "base", "true")
  const found = await checked(path)
  expect(found.map((text) => text.split(":")[0])).toEqual(expect.arrayContaining(["policy", "runtime", "name"]))
  expect(await checked("--name", "other", "--policy", "none", path)).toEqual([
    expect.stringMatching(/^runtime: .*crun/),
  ])
  await taker.ok("rm", "web")
})

it("a base image that is not there is told", async () => {
  const path = crafted((directory) => {
    const file = join(directory, "config.dump")
    fs.writeFileSync(
      file,
      fs.readFileSync(file, "utf8").replace(/"rootfsImageID": "\w{8}/, '"rootfsImageID": "00000000'),
    )
  })
  expect(await checked(path)).toEqual([expect.stringMatching(/^baseImage: .*is not in the store/)])
})

it("a port that somebody has is told, and another one will do", async () => {
  await maker.ok("run", "-d", "--name", "served", "-p", "18080:80", "base", ...counter)
  await maker.beyond("served", 1)
  const path = join(maker.directory, "served.tar")
  await maker.ok("container", "checkpoint", "-e", path, "served")
  await maker.ok("rm", "served")
  await taker.ok("run", "-d", "--name", "holder", "-p", "18080:81", "base", "sleep", "1000")
  expect(await checked(path)).toEqual([expect.stringMatching(/^network: .*18080/)])
  expect(await checked("--publish", "18081:80", path)).toEqual([])
  await taker.ok("rm", "-ft0", "holder")
  expect(await checked(path)).toEqual([])
})

it("a full disk is told, near and over REST", async () => {
  const { bavail, bsize } = fs.statfsSync(taker.directory)
  const filler = join(taker.directory, "filler")
  execFileSync("fallocate", ["-l", String(bavail * bsize - (6 << 20)), filler])
  expect(await checked("web:1")).toEqual([expect.stringMatching(/^space: it needs 1\d{7} bytes/)])
  const refused = await taker.run("container", "restore", "web:1")
  expect([refused.status, refused.stderr]).toEqual([125, expect.stringContaining("space: it needs")])
  await expectNothing()
  const asked = await taker.shell(`curl -s --unix-socket ${socket} http://d/v5.0.0/cryopod/checkpoints/web:1/check`)
  expect(JSON.parse(asked.stdout)).toMatchObject({ thaws: false, kind: "image" })
  fs.rmSync(filler)
  expect(await checked("web:1")).toEqual([])
})
