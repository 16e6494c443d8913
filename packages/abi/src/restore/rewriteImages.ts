/** Image files of a dump with other entries, in place of second names of the files as they were dumped. */
import * as fs from "node:fs"
import { join } from "node:path"
import { type ByteSource, type ImageKind, imageKinds, Protobuf } from "@cryopod/criu"
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

/** An entry with its size in front. */
export const entryBytes = (kind: ImageKind, value: object): Uint8Array => {
  const message = Protobuf.encode(value as never, imageKinds[kind].entry as never)
  const size = Buffer.alloc(4)
  size.writeUInt32LE(message.length)
  return Buffer.concat([size, message])
}

/** Change the files of this name, whatever number they have behind it. */
export const rewriteImages = Effect.fnUntraced(function* (
  directory: string,
  name: string,
  change: ImageChange,
): Effect.fn.Return<void, StorageFailed> {
  const names = yield* attemptSync("read directory", directory, () =>
    fs
      .readdirSync(directory)
      .filter((file) => file === `${name}.img` || (file.startsWith(`${name}-`) && file.endsWith(".img"))),
  )
  for (const file of names) {
    const path = join(directory, file)
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
