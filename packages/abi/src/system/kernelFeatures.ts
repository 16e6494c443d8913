/**
 * What CRIU knows of the kernel: it asks at every start, unless it finds on a tmpfs what it was told before. That is a fifth of
 * the time that a small container stands still.
 *
 * CRIU looks into /run, which is no tmpfs everywhere, and where another CRIU takes its place. The one of the private prefix has
 * been given a directory of its own (`scripts/setup.d/criu.sh`), whose name is beside it in `kerndat`.
 */
import * as fs from "node:fs"
import { dirname, join } from "node:path"
import { dropLock, holdLock, makeDirectory, mountAt } from "@cryopod/host"
import * as Effect from "effect/Effect"

/** Put the directory on a tmpfs, once a boot. A CRIU without it works all the same. */
export const keepKernelFeatures = Effect.fn("criu.kernelFeatures")(
  function* (criu: string) {
    const directory = directoryOf(criu)
    if (directory === undefined || isTmpfs(directory)) return
    const lock = `${directory}.lock`
    yield* holdLock(lock)
    if (!isTmpfs(directory)) {
      yield* makeDirectory(directory)
      const options = ["size=64k", "mode=700", "nosuid", "nodev", "noexec"]
      yield* mountAt({ type: "tmpfs", target: directory, options })
    }
    yield* dropLock(lock)
  },
  Effect.scoped,
  (work) => Effect.ignore(work),
)

const directoryOf = (criu: string): string | undefined => {
  const named = join(dirname(criu), "../kerndat")
  return fs.existsSync(named) ? fs.readFileSync(named, "utf8").trim() : undefined
}

/** `TMPFS_MAGIC` (statfs(2)), which CRIU asks for, too. */
const tmpfs = 0x01021994

const isTmpfs = (directory: string): boolean => fs.existsSync(directory) && fs.statfsSync(directory).type === tmpfs
