/**
 * The suite that every engine passes, on the engine of this host with real containers, networks, CRIU and registries. It is run
 * by `test/real/conformance.test.ts`, on a host of its own: containers get bridges and packet filters there.
 */
import { execFileSync, spawnSync } from "node:child_process"
import * as fs from "node:fs"
import { join } from "node:path"
import { defaultPrefix, localEngine } from "@cryopod/abi"
import { ContainerEngineTest } from "@cryopod/entities/testing/suite"
import * as Stream from "effect/Stream"
import { afterAll } from "vitest"
import { startGuard, startRegistry } from "../../packages/images/test/registries.ts"
import { builtProgram, nodeProgram } from "../real/support/Host.ts"
import { copyProgram, installBusybox } from "../real/support/workloads.ts"

const directory = fs.mkdtempSync("/var/tmp/cryopod-test.")
const root = join(directory, "root")
const runroot = join(directory, "run")
const archives = join(directory, "archives")
fs.mkdirSync(archives)

/** `count` and `hold` as the suite wants them; what `hold` holds is held by programs beside the shell that counts. */
const count = `trap 'exit 7' TERM; trap 'echo hup' HUP; while :; do echo $i; i=$((i+1)); usleep 20000; done`
const scripts = {
  count: `i=\${1-0}; ${count}`,
  hold: `i=0
case $1 in
lock)
  flock /tmp/lock sleep 1000000 &
  until grep -q FLOCK /proc/locks; do usleep 20000; done ;;
connection)
  mkfifo /tmp/silence
  nc -l -p 700 <>/tmp/silence >/dev/null &
  until nc 127.0.0.1 700; do usleep 20000; done <>/tmp/silence >/dev/null 2>&1 &
  until grep -q ' 01 ' /proc/net/tcp; do usleep 20000; done ;;
esac
${count}`,
}

const archive = join(directory, "rootfs.tar")
const packed = () => {
  const tree = join(directory, "rootfs")
  installBusybox(tree)
  copyProgram("/usr/bin/flock", tree)
  for (const [name, script] of Object.entries(scripts))
    fs.writeFileSync(join(tree, "bin", name), `#!/bin/sh\n${script}\n`, { mode: 0o755 })
  for (const [path, content] of Object.entries(ContainerEngineTest.rootfsFiles))
    fs.writeFileSync(join(tree, path), content)
  // as images have them: the engine shows its own files in their places
  for (const path of ["etc/hosts", "etc/hostname", "etc/resolv.conf"]) fs.writeFileSync(join(tree, path), "")
  execFileSync("tar", ["-C", tree, "-cf", archive, "."])
}
packed()

const login = "user:secret"
const registry = await startRegistry()
const guard = await startGuard(registry.address, login)

afterAll(async () => {
  await guard.stop()
  await registry.stop()
  fs.rmSync(directory, { recursive: true, force: true, maxRetries: 20 })
})

/** Cases that need a kernel which tells what has been written to since. */
const inOneRound = {
  because: "this kernel does not track memory",
  cases: [
    "a pre-checkpoint leaves the container running, and a checkpoint builds on it",
    "a second round without a first is refused, and the container goes on",
    "an archive of the second round holds the first when that has never left",
    "an archive of the second round needs that of the first",
  ],
}
const memoryTracking =
  spawnSync("criu", ["check", "--feature", "mem_dirty_track"], {
    env: { PATH: `${defaultPrefix}/bin:${process.env["PATH"] ?? ""}` },
  }).status === 0

ContainerEngineTest.suite("the engine of this host", {
  layer: localEngine({
    root,
    runroot,
    runtime: "runc",
    prefix: defaultPrefix,
    path: process.env["PATH"] ?? "",
    selfCommand: [nodeProgram, builtProgram, "--root", root, "--runroot", runroot],
    engineName: "cryopod",
    engineVersion: "0.0.0",
  }),
  rootfs: () =>
    Stream.fromAsyncIterable<Uint8Array, never>(fs.createReadStream(archive), (cause) => {
      throw cause
    }),
  directory: archives,
  registry: registry.address,
  guarded: { registry: guard.address, login },
  lacks: memoryTracking ? {} : { memoryTracking: inOneRound },
})
