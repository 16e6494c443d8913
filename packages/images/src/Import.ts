/**
 * An image of one layer from the tar archive of a root filesystem.
 *
 * The archive is read once: kept as it is, decompressed, looked through and hashed on both sides at the same time.
 */
import * as fs from "node:fs"
import { join } from "node:path"
import { type Compression, compressionOf, decompressed, digestOfBytes, passing, unpack } from "@cryopod/archive"
import {
  ArchiveInvalid,
  type ArchiveSource,
  type ImageInvalid,
  type MemberUnsafe,
  type OptionInvalid,
} from "@cryopod/entities"
import { attempt, makeDirectory, openSource } from "@cryopod/host"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import { applyChanges } from "./Changes.ts"
import { documentBytes, goArchitecture, mediaTypes } from "./Documents.ts"
import { ImageStore, type StoreFailure } from "./ImageStore.ts"
import type { StoredImage } from "./ImageTables.ts"

export interface NewRootImage {
  /** Full names; none for an image that has only its id. */
  readonly names: ReadonlyArray<string>
  readonly changes: ReadonlyArray<string>
  /** Podman's own comment when empty. */
  readonly message: string
}

export type ImportFailure = ArchiveInvalid | MemberUnsafe | OptionInvalid | ImageInvalid | StoreFailure

/** Make an image for this host's processor. A damaged or truncated archive leaves nothing behind. */
export const importImage = Effect.fn("importImage")(function* (
  source: ArchiveSource,
  options: NewRootImage,
): Effect.fn.Return<StoredImage, ImportFailure, ImageStore> {
  const changes = yield* Effect.fromResult(applyChanges(options.changes))
  const store = yield* ImageStore
  return yield* Effect.scoped(
    Effect.gen(function* () {
      const file = join(yield* store.area, "layer")
      const layer = yield* storeLayer(source, file)
      const created = DateTime.formatIso(yield* DateTime.now)
      const comment = options.message === "" ? "imported from tarball" : options.message
      const config = documentBytes({
        created,
        architecture: goArchitecture(process.arch),
        os: "linux",
        config: changes,
        rootfs: { type: "layers", diff_ids: [layer.diffId] },
        history: [
          { created, created_by: `/bin/sh -c #(nop) ADD file:${layer.digest.slice("sha256:".length)} in /`, comment },
        ],
      })
      const manifest = documentBytes({
        schemaVersion: 2,
        mediaType: mediaTypes.manifest,
        config: { mediaType: mediaTypes.config, digest: digestOfBytes(config), size: config.length },
        layers: [{ mediaType: layerTypes[layer.compression], digest: layer.digest, size: layer.sizeBytes }],
      })
      return yield* store.insert({
        manifest,
        config,
        blobs: [{ digest: layer.digest, path: file }],
        names: options.names,
      })
    }),
  )
})

const layerTypes: Readonly<Record<Compression, string>> = {
  none: mediaTypes.layer,
  gzip: mediaTypes.layerGzip,
  zstd: mediaTypes.layerZstd,
}

const storeLayer = Effect.fnUntraced(function* (source: ArchiveSource, file: string) {
  const archive = source._tag === "File" ? source.path : "standard input"
  const bytes = yield* openSource(source)
  const nowhere = `${file}.members`
  yield* makeDirectory(nowhere)
  const handle = yield* Effect.acquireRelease(
    attempt("write", file, () => fs.promises.open(file, "wx", 0o600)),
    (opened) => Effect.promise(() => opened.close()),
  )
  let head: Uint8Array = new Uint8Array()
  const compressed = passing(bytes, (block) => {
    if (head.length < 8) head = Buffer.concat([head, block.subarray(0, 8)])
    return handle.writeFile(block)
  })
  const content = passing(decompressed(compressed.blocks))
  const { passedOver } = yield* unpack(content.blocks, nowhere, {
    archive,
    // nothing is unpacked: the archive is only looked through
    accepts: () => false,
    maxMembers: Number.MAX_SAFE_INTEGER,
    maxBytes: Number.MAX_SAFE_INTEGER,
  })
  if (passedOver.length === 0) return yield* new ArchiveInvalid({ archive, problem: "there is nothing in it" })
  return { ...compressed.measured(), diffId: content.measured().digest, compression: compressionOf(head) }
})
