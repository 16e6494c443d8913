/** Image files of a dump with other entries, in place of second names of the files as they were dumped. */
import * as fs from "node:fs"
import { join } from "node:path"
import type { ByteSource } from "@cryopod/criu"
import type { StorageFailed } from "@cryopod/entities"
import { attemptSync } from "@cryopod/host"
import * as Effect from "effect/Effect"
import { fileSource } from "../inspection/imageFiles.ts"

/** Bytes of the dumped file that go into the new one as they are. */
export interface ByteRange {
  readonly from: number
  readonly to: number
}

/** What follows the magic numbers of the new file; undefined when the file may stay as it is. */
export type ImageChange = (source: ByteSource) => ReadonlyArray<Uint8Array | ByteRange> | undefined

/** Change the files whose names begin so, whatever number they have. */
export const rewriteImages = Effect.fnUntraced(function* (
  directory: string,
  prefix: string,
  change: ImageChange,
): Effect.fn.Return<void, StorageFailed> {
  const names = yield* attemptSync("read directory", directory, () =>
    fs.readdirSync(directory).filter((name) => name.startsWith(`${prefix}-`) && name.endsWith(".img")),
  )
  for (const name of names) {
    const path = join(directory, name)
    yield* attemptSync("write", path, () => rewrite(path, change))
  }
})

/** Two magic numbers: of image files, and of the kind. */
const headBytes = 8
const blockBytes = 1 << 20

const rewrite = (path: string, change: ImageChange): void => {
  const dumped = fs.openSync(path, "r")
  try {
    const source = fileSource(dumped)
    const parts = change(source)
    if (parts === undefined) return
    fs.rmSync(path)
    const changed = fs.openSync(path, "wx", 0o600)
    try {
      for (const part of [{ from: 0, to: headBytes }, ...parts]) {
        if (part instanceof Uint8Array) fs.writeSync(changed, part)
        else copyRange(source, changed, part)
      }
    } finally {
      fs.closeSync(changed)
    }
  } finally {
    fs.closeSync(dumped)
  }
}

const copyRange = (source: ByteSource, target: number, { from, to }: ByteRange): void => {
  for (let at = from; at < to; at += blockBytes) {
    fs.writeSync(target, source.read(at, Math.min(blockBytes, to - at)))
  }
}
