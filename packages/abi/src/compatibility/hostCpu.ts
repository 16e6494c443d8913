/** What CRIU says of this host's processor, asked once a boot. */
import * as fs from "node:fs"
import { join } from "node:path"
import { bytesSource, isImageProblem, readOnly } from "@cryopod/criu"
import { attemptSync, Layout, makeDirectory, removeTree, run, temporaryBeside, Tools } from "@cryopod/host"
import * as Effect from "effect/Effect"

/** Under this name it is part of a checkpoint; CRIU reads it there when it is told to, and leaves it alone otherwise. */
export const cpuinfoFile = "cpuinfo.img"

/** Path of the file; undefined when CRIU does not make one, as for processors that it knows nothing about. */
export const hostCpuinfo = Effect.fn("compatibility.cpuinfo")(function* () {
  const { runroot } = yield* Layout
  const path = join(runroot, cpuinfoFile)
  if (fs.existsSync(path)) return path
  const tools = yield* Tools
  const half = temporaryBeside(path)
  return yield* Effect.gen(function* () {
    yield* makeDirectory(half)
    const criu = yield* tools.path("criu")
    yield* run(criu, ["cpuinfo", "dump", "--images-dir", half], { env: tools.environment })
    return yield* attemptSync("move", path, () => {
      if (!fs.existsSync(join(half, cpuinfoFile))) return undefined
      fs.renameSync(join(half, cpuinfoFile), path)
      return path
    })
  }).pipe(
    Effect.ensuring(Effect.ignore(removeTree(half))),
    // whoever asks can do without
    Effect.orElseSucceed((): string | undefined => undefined),
  )
})

/** The features of a processor, in words of 32; undefined for other processors than x86. */
export const cpuFeatures = (path: string): ReadonlyArray<number> | undefined => {
  try {
    return readOnly(bytesSource(fs.readFileSync(path)), "cpuinfo").x86_entry[0]?.capability
  } catch (cause) {
    if (isImageProblem(cause) || (cause as NodeJS.ErrnoException).code === "ENOENT") return undefined
    throw cause
  }
}
