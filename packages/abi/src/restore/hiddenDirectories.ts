/**
 * crun since 1.27 hides directories of /proc and /sys behind an empty one of its own, which CRIU knows by its path on the
 * host of the dump: no other crun, and none with another state directory, would find it again.
 */
import { decodedEntries, isImageProblem } from "@cryopod/criu"
import { attemptSync } from "@cryopod/host"
import { imageFiles, mountsFile } from "../inspection/imageFiles.ts"

/** That path ends so (crun `src/libcrun/linux.c`). What else a stranger writes into CRIU's configuration is his affair. */
const emptyDirectory = /^\/[\w./-]*\/\.empty-directory$/

/** Keys of CRIU's external mounts for which something empty has to be there, each once. */
export const hiddenDirectories = (imagesDirectory: string) =>
  attemptSync("read", imagesDirectory, (): ReadonlyArray<string> => [...keysIn(imagesDirectory)])

const keysIn = (imagesDirectory: string): ReadonlySet<string> => {
  const keys = new Set<string>()
  for (const { kind, source } of imageFiles(imagesDirectory, mountsFile)) {
    if (kind !== "mnts") continue
    try {
      for (const { ext_key: key = "" } of decodedEntries(source, "mnts")) if (emptyDirectory.test(key)) keys.add(key)
    } catch (cause) {
      // CRIU says what is wrong with an image that cannot be read
      if (!isImageProblem(cause)) throw cause
    }
  }
  return keys
}
