/**
 * What the suite stands on, on a host of its own: a root filesystem with the suite's programs, registries, and directories.
 * Each file of this project is run by a test of `test/real/conformance.test.ts`.
 */
import { execFileSync, spawnSync } from "node:child_process"
import * as fs from "node:fs"
import { join } from "node:path"
import { defaultPrefix } from "@cryopod/abi"
import { ContainerEngineTest } from "@cryopod/entities/testing/suite"
import * as Stream from "effect/Stream"
import { startGuard, startRegistry } from "../../../packages/images/test/registries.ts"
import { builtProgram, nodeProgram } from "../../real/support/Host.ts"
import { copyProgram, installBusybox } from "../../real/support/workloads.ts"

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

const packed = (directory: string): string => {
  const archive = join(directory, "rootfs.tar")
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
  return archive
}

const login = "user:secret"

export const makeGround = async () => {
  const directory = fs.mkdtempSync("/var/tmp/cryopod-test.")
  const root = join(directory, "root")
  const runroot = join(directory, "run")
  const archives = join(directory, "archives")
  fs.mkdirSync(archives)
  const archive = packed(directory)
  const registry = await startRegistry()
  const guard = await startGuard(registry.address, login)
  return {
    directory,
    root,
    runroot,
    /** Words that run the program on this state. */
    program: [nodeProgram, builtProgram, "--root", root, "--runroot", runroot, "--runtime", "runc"] as const,
    /** What the suite is told of all this. */
    bench: {
      rootfs: () =>
        Stream.fromAsyncIterable<Uint8Array, never>(fs.createReadStream(archive), (cause) => {
          throw cause
        }),
      directory: archives,
      registry: registry.address,
      guarded: { registry: guard.address, login },
    },
    dispose: async () => {
      await guard.stop()
      await registry.stop()
      fs.rmSync(directory, { recursive: true, force: true, maxRetries: 20 })
    },
  }
}

/** Cases that need a kernel which tells what has been written to since. */
export const casesOfRounds = [
  "a pre-checkpoint leaves the container running, and a checkpoint builds on it",
  "a second round without a first is refused, and the container goes on",
  "an archive of the second round holds the first when that has never left",
  "an archive of the second round needs that of the first",
]
const memoryTracking =
  spawnSync("criu", ["check", "--feature", "mem_dirty_track"], {
    env: { PATH: `${defaultPrefix}/bin:${process.env["PATH"] ?? ""}` },
  }).status === 0

/** What no engine on this kernel can do. */
export const lacksOfKernel = memoryTracking
  ? {}
  : { memoryTracking: { because: "this kernel does not track memory", cases: casesOfRounds } }
