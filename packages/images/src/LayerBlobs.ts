/**
 * Blobs of layers, made of their content in one pass: into a file of a layout, or to where the layout is to go.
 */
import * as fs from "node:fs"
import { type BlockCompression, compressLasting, type Measured, passing, takeBehind } from "@cryopod/archive"
import { ImageInvalid, type StorageFailed } from "@cryopod/entities"
import { attempt, attemptSync } from "@cryopod/host"
import * as Effect from "effect/Effect"
import type { StoredLayer } from "./ImageTables.ts"
import type { UploadAhead } from "./registry/uploadAhead.ts"

/** The files of a layout that is being made. */
export interface LayoutFiles {
  readonly blob: (digest: string) => string
  /** A file that is not a blob yet. */
  readonly half: string
  /** Unpacked content of layers that have no blob, by digest. */
  readonly unpacked: ReadonlyMap<string, string>
  readonly ahead: Ahead | undefined
  /** Told of bytes before their compression. */
  readonly passed: (bytes: number) => void
}

/** Where compressed layers go while they are made, and what is known of such. */
export interface Ahead {
  readonly uploads: UploadAhead
  /** Compressed layers of before, by their diffIDs. */
  readonly known: ReadonlyMap<string, Measured>
  /** Those that are made now. */
  readonly made: Map<string, Measured>
  /** DiffIDs of those that the layout does without: they are where it is to go. */
  readonly there: Set<string>
}

/** What is where it is to go needs not be made again. */
export const presentThere = ({ diffId }: StoredLayer, { ahead }: LayoutFiles) =>
  Effect.promise(async () => {
    const known = ahead?.known.get(diffId)
    if (known === undefined || (await ahead?.uploads.has(known.digest)) !== true) return undefined
    ahead?.there.add(diffId)
    return known
  })

type Content = () => Promise<AsyncIterable<Uint8Array>>

/** The content of a layer, checked on its way into a blob. */
interface Making {
  readonly layer: StoredLayer
  readonly content: Content
  /** None when absent. */
  readonly compression?: BlockCompression
}

/** `take` has a block until it resolves. */
const makeBlob = async (
  { compression, content, layer: { diffId, digest } }: Making,
  { passed }: LayoutFiles,
  signal: AbortSignal,
  take: (block: Uint8Array) => Promise<void>,
): Promise<Measured> => {
  const plain = passing(await content(), async ({ length }) => passed(length))
  const blob = compression === undefined ? plain : passing(compressLasting(plain.blocks, compression))
  await takeBehind(blob.blocks, signal, take)
  if (plain.measured().digest !== diffId)
    throw new ImageInvalid({ ref: digest, problem: `the content of the layer was changed on disk` })
  return blob.measured()
}

/** Make a blob of the layout. */
export const writeBlob = Effect.fnUntraced(function* (
  making: Making,
  files: LayoutFiles,
): Effect.fn.Return<Measured, ImageInvalid | StorageFailed> {
  const { ahead, blob, half } = files
  const written = yield* checked(half, async (signal) => {
    const handle = await fs.promises.open(half, "w", 0o600)
    try {
      return await makeBlob(making, files, signal, (block) => handle.writeFile(block))
    } finally {
      await handle.close()
    }
  })
  if (making.compression !== undefined) ahead?.made.set(making.layer.diffId, written)
  yield* attemptSync("rename", blob(written.digest), () => fs.renameSync(half, blob(written.digest)))
  return written
})

/** Make a blob where it is to go, and no file of it here; undefined when it did not get there. */
export const bringBlob = Effect.fnUntraced(function* (
  making: Making,
  files: LayoutFiles,
): Effect.fn.Return<Measured | undefined, ImageInvalid | StorageFailed> {
  const { ahead, half } = files
  const { diffId } = making.layer
  // skopeo knows where else a registry may have what was brought before
  if (ahead === undefined || ahead.known.has(diffId)) return undefined
  const upload = yield* Effect.promise(() => ahead.uploads.begin())
  if (upload === undefined) return undefined
  const brought = yield* checked(half, async (signal) => {
    signal.addEventListener("abort", upload.abandon, { once: true })
    try {
      const blob = await makeBlob(making, files, signal, async (block) => {
        if (!(await upload.write(block))) throw notTaken
      })
      return (await upload.finish(blob.digest)) ? blob : undefined
    } catch (cause) {
      if (cause === notTaken) return undefined
      throw cause
    } finally {
      upload.abandon()
    }
  })
  if (brought === undefined) return undefined
  ahead.made.set(diffId, brought)
  ahead.there.add(diffId)
  return brought
})

const notTaken = new Error("not taken")

/** Work on a blob, whose content may be another than the layer's. */
const checked = <A>(
  path: string,
  work: (signal: AbortSignal) => Promise<A>,
): Effect.Effect<A, ImageInvalid | StorageFailed> =>
  Effect.flatten(
    attempt("write", path, (signal) =>
      work(signal).then(Effect.succeed, (cause: unknown) => {
        if (cause instanceof ImageInvalid) return Effect.fail(cause)
        throw cause
      }),
    ),
  )
