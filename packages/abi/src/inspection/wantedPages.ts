/**
 * The pages of a pages file that have command line and environment in them, from what has already been unpacked of a dump.
 * Undefined when that does not say it yet: then all of it is wanted.
 */
import * as fs from "node:fs"
import type { FilePart } from "@cryopod/archive"
import { isImageProblem, pageBytes } from "@cryopod/criu"
import { DumpFiles } from "./DumpFiles.ts"

export const wantedPages = (directory: string, pagesId: number): ReadonlyArray<FilePart> | undefined => {
  const dump = new DumpFiles(directory)
  try {
    for (const name of fs.readdirSync(directory)) {
      const of = /^pagemap-((?:shmem-)?\d+)\.img$/.exec(name)?.[1]
      const pagemap = of === undefined ? undefined : dump.pagemap(name)
      dump.close(name)
      if (pagemap?.pagesId !== pagesId) continue
      const mm = /^\d+$/.test(of ?? "") ? dump.only(`mm-${of}.img`, "mm") : undefined
      // shared memory says nothing of itself; a process whose mappings have not come yet may
      if (mm === undefined) return of?.startsWith("shmem-") === true ? [] : undefined
      const words = [
        { from: mm.mm_arg_start, to: mm.mm_arg_end },
        { from: mm.mm_env_start, to: mm.mm_env_end },
      ]
      return pagemap.ranges.flatMap(({ address, offset, sizeBytes }) =>
        offset === undefined
          ? []
          : words
              .map(({ from, to }) => ({ from: Number(from - address), to: Number(to - address) }))
              .filter(({ from, to }) => from < sizeBytes && to > 0)
              .map(({ from, to }) => ({
                from: offset + Math.max(0, Math.floor(from / pageBytes) * pageBytes),
                to: offset + Math.min(sizeBytes, Math.ceil(to / pageBytes) * pageBytes),
              })),
      )
    }
    return undefined
  } catch (cause) {
    // whoever reads the whole dump says what is wrong with it
    if (isImageProblem(cause)) return undefined
    throw cause
  } finally {
    dump.close()
  }
}
