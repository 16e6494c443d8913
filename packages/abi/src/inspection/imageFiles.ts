/** CRIU's image files in a directory, by what they are: their magic, not their names, since that is what CRIU goes by. */
import * as fs from "node:fs"
import { join } from "node:path"
import { type ByteSource, type ImageKind, imageKindOf } from "@cryopod/criu"

export interface ImageFile {
  readonly name: string
  readonly path: string
  /** Undefined for raw content: pages, archives, rules. */
  readonly kind: ImageKind | undefined
  readonly source: ByteSource
}

/** CRIU looks for mounts in files of these names only (criu `criu/image-desc.c`). */
export const mountsFile = /^mountpoints-\d+\.img$/

/** Every regular file of a directory, or those with such names; each is open only until the next one is asked for. */
export function* imageFiles(directory: string, named = /(?:)/): Generator<ImageFile, void, void> {
  for (const entry of fs.readdirSync(directory, { withFileTypes: true })) {
    if (!entry.isFile() || !named.test(entry.name)) continue
    const path = join(directory, entry.name)
    const fd = fs.openSync(path, fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW)
    try {
      const source = fileSource(fd)
      yield { name: entry.name, path, kind: imageKindOf(source), source }
    } finally {
      fs.closeSync(fd)
    }
  }
}

/** The bytes of an open file. */
export const fileSource = (fd: number): ByteSource => ({
  sizeBytes: fs.fstatSync(fd).size,
  read: (position, length) => {
    const buffer = Buffer.allocUnsafe(length)
    let filled = 0
    while (filled < length) {
      const read = fs.readSync(fd, buffer, filled, length - filled, position + filled)
      if (read === 0) break
      filled += read
    }
    return buffer.subarray(0, filled)
  },
})
