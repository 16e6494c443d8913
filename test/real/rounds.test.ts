/**
 * Checkpoints in two rounds. Where this kernel does not track memory, a runtime stands in that dumps everything in each
 * round and is told the same words; everything around it, and the restore, is real.
 */
import { execFileSync, spawnSync } from "node:child_process"
import * as fs from "node:fs"
import { afterAll, beforeAll, expect, it } from "vitest"
import { brokenBuild } from "./support/brokenBuild.ts"
import { Host } from "./support/Host.ts"
import { lost } from "./support/lost.ts"
import { counter, importBase } from "./support/workloads.ts"

let host: Host
let prefix: string

const programs = { PATH: `/opt/cryopod/bin:${process.env["PATH"] ?? ""}` }
const where = (program: string) => execFileSync("which", [program], { encoding: "utf8", env: programs }).trim()
const tracked = spawnSync(where("criu"), ["check", "--feature", "mem_dirty_track"]).status === 0

/** A program before those of the system, which writes down what it was told. */
const standIn = (name: string, script: string) => {
  fs.writeFileSync(`${prefix}/bin/${name}`, `#!/bin/sh\necho "$@" >>${prefix}/told\n${script}\n`, { mode: 0o755 })
}

/** The words of both rounds make two dumps of everything, and the link that CRIU would have made. */
const dumpAll = (runc: string) => `
images= parent=
count=$#
while [ "$count" -gt 0 ]; do
  word=$1; shift; count=$((count-1))
  case $word in
    --pre-dump) set -- "$@" --leave-running ;;
    --parent-path) parent=$1; shift; count=$((count-1)) ;;
    --image-path) images=$1; set -- "$@" --image-path "$1"; shift; count=$((count-1)) ;;
    *) set -- "$@" "$word" ;;
  esac
done
${runc} "$@" || exit
[ -z "$parent" ] || ln -s "$images/$parent" "$images/parent"`

beforeAll(async () => {
  host = await Host.make()
  prefix = `${host.directory}/prefix`
  fs.mkdirSync(`${prefix}/bin`, { recursive: true })
  await importBase(host)
  const criu = where("criu")
  standIn("criu", `${tracked ? "" : 'case "$*" in *mem_dirty_track*) exit 0 ;; esac'}\nexec ${criu} "$@"`)
  standIn("runc", tracked ? `exec ${where("runc")} "$@"` : dumpAll(where("runc")))
})
afterAll(() => host.dispose())

const told = async (...args: ReadonlyArray<string>) => {
  fs.writeFileSync(`${prefix}/told`, "")
  const ran = await host.shell(`CRYOPOD_PREFIX=${prefix} ${host.command(args).join(" ")}`)
  expect(ran.stderr).toBe("")
  return fs
    .readFileSync(`${prefix}/told`, "utf8")
    .split("\n")
    .filter((line) => line.includes(" checkpoint "))
    .map((line) => line.slice(line.indexOf("checkpoint ")).replaceAll(/\S+\/userdata/g, "BUNDLE"))
}

const counting = async () => {
  await host.ok("run", "-d", "--network", "none", "--name", "web", "base", ...counter)
  await host.beyond("web", 1)
  return host.inspect("web", "{{.Id}}")
}

const listed = (archive: string) =>
  execFileSync("tar", ["-tf", archive], { encoding: "utf8" })
    .trim()
    .split("\n")
    .filter((name) => !/\/./.test(name))

it("the first leaves the container running, and a restore reads both", async () => {
  const id = await counting()
  expect(await told("container", "checkpoint", "--pre-checkpoint", "web")).toEqual([
    `checkpoint --image-path BUNDLE/pre-checkpoint --work-path BUNDLE --pre-dump ${id}`,
  ])
  expect(await host.inspect("web", "{{.State.Status}} {{.State.Checkpointed}}")).toBe("running false")
  expect(await told("container", "checkpoint", "--with-previous", "web")).toEqual([
    `checkpoint --image-path BUNDLE/checkpoint --work-path BUNDLE --parent-path ../pre-checkpoint ${id}`,
  ])
  const bundle = host.path("containers", id, "userdata")
  expect(fs.readlinkSync(`${bundle}/checkpoint/parent`)).toBe("../pre-checkpoint")
  expect(await lost(host, "web")).toEqual([])
  expect(fs.existsSync(`${bundle}/pre-checkpoint`)).toBe(false)
  await host.ok("rm", "-f", "-t", "0", "web")
})

it("archives: the memory first, the rest later, both for a restore", async () => {
  await counting()
  const [first, second] = [`${host.directory}/first.tar`, `${host.directory}/second.tar`]
  await told("container", "checkpoint", "-P", "-c", "none", "-e", first, "web")
  expect(listed(first)).toEqual(["spec.dump", "config.dump", "network.status", "pre-checkpoint/"])
  await told("container", "checkpoint", "--with-previous", "-c", "none", "-e", second, "web")
  expect(listed(second)).toContain("checkpoint/")
  expect(listed(second)).not.toContain("pre-checkpoint/")
  await host.ok("rm", "web")
  const alone = await host.run("container", "restore", "-i", second)
  expect([alone.status, alone.stderr]).toEqual([125, expect.stringContaining("whose archive must be given as well")])
  await host.ok("container", "restore", "-i", second, "--import-previous", first)
  expect(await lost(host, "web")).toEqual([])
  await host.ok("rm", "-f", "-t", "0", "web")
})

it("an archive of the second round holds the first when that has never left", async () => {
  await counting()
  const whole = `${host.directory}/whole.tar`
  await told("container", "checkpoint", "-P", "web")
  await told("container", "checkpoint", "--with-previous", "-c", "none", "-e", whole, "web")
  expect(listed(whole)).toContain("pre-checkpoint/")
  await host.ok("rm", "web")
  await host.ok("container", "restore", "-i", whole)
  expect(await lost(host, "web")).toEqual([])
  await host.ok("rm", "-f", "-t", "0", "web")
})

it("P7: an image of the second round holds the first, and one of the first alone is refused", async () => {
  await counting()
  const refused = await host.run("container", "checkpoint", "-P", "--create-image", "web:memory", "web")
  expect([refused.status, refused.stderr]).toEqual([125, expect.stringContaining("an image of memory alone")])
  await told("container", "checkpoint", "-P", "web")
  await told("container", "checkpoint", "--with-previous", "--create-image", "web:1", "web")
  await host.ok("rm", "web")
  await host.ok("container", "restore", "web:1")
  expect(await lost(host, "web")).toEqual([])
  await host.ok("rm", "-f", "-t", "0", "web")
})

it("P7: noticed when the protection is taken out", async () => {
  await counting()
  await told("container", "checkpoint", "-P", "web")
  const broken = host.with(
    await brokenBuild({
      file: "packages/abi/src/checkpoint/collect.ts",
      find: 'options.phase === "withPrevious" && (sink',
      replace: "false && (sink",
    }),
  )
  const words = broken.command(["container", "checkpoint", "--with-previous", "--create-image", "web:2", "web"])
  expect((await host.shell(`CRYOPOD_PREFIX=${prefix} ${words.join(" ")}`)).status).toBe(0)
  await host.ok("rm", "web")
  expect((await host.run("container", "restore", "web:2")).status).toBe(125)
})

it("a second round without a first is refused, and the container goes on", async () => {
  await counting()
  const words = host.command(["container", "checkpoint", "--with-previous", "web"]).join(" ")
  const ran = await host.shell(`CRYOPOD_PREFIX=${prefix} ${words}`)
  expect([ran.status, ran.stderr]).toEqual([125, expect.stringContaining("no pre-checkpoint to build on")])
  expect(await lost(host, "web")).toEqual([])
})
