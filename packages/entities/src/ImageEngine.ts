/** Images, near or far: the interface that the local engine and the tunnel both implement. */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Stream from "effect/Stream"
import type { HostFailure, ImageFailure, StorageFailed } from "./failures/index.ts"
import type { Items } from "./Item.ts"
import type { ArchiveDestination } from "./options/CheckpointOptions.ts"
import type { BuildFlags, ImageListFlags, PullFlags, PushFlags } from "./options/ImageOptions.ts"
import type { ImageInspect, ImageRemoval, ImageSummary, ImageTree } from "./reports/ImageReports.ts"

/** Bytes of an archive: a file of the caller's host, or a stream, whose failure is that of the operation. */
export type ArchiveSource =
  | { readonly _tag: "File"; readonly path: string }
  | { readonly _tag: "Stream"; readonly bytes: Stream.Stream<Uint8Array, StorageFailed> }

export interface ImportOptions {
  /** Name of the new image; without one it has only an id. */
  readonly name?: string
  /** Dockerfile-like instructions: `CMD ["sh"]`, `ENV A=1`. */
  readonly changes: ReadonlyArray<string>
  readonly message: string
}

/** What a build may copy from: a directory of the caller's host, or the tar archive of one. */
export type BuildContext =
  | { readonly _tag: "Directory"; readonly path: string }
  | {
      readonly _tag: "Stream"
      readonly bytes: Stream.Stream<Uint8Array, StorageFailed>
      /** What whoever builds calls that directory, and so do the texts about it. */
      readonly name?: string
    }

/**
 * How an image is built. `file` are paths on the host of the directory, or inside the archive. What instructions say comes out of
 * `output` as it is said, without the image's id.
 */
export interface BuildOptions extends Omit<BuildFlags, "iidfile" | "layers" | "rm" | "forceRm"> {
  readonly output: (stream: "stdout" | "stderr", content: Uint8Array) => Effect.Effect<void>
}

export interface ImageEngineShape {
  /**
   * Make an image as a Containerfile says; succeeds with its id. A build that fails or is given up leaves no image and none of
   * its work.
   */
  readonly build: (context: BuildContext, options: BuildOptions) => Effect.Effect<string, ImageFailure>
  /** Make an image of one layer from the tar archive of a root filesystem. Succeeds with the image's id. */
  readonly import: (source: ArchiveSource, options: ImportOptions) => Effect.Effect<string, ImageFailure>
  /** Take the images of an archive (docker-archive, oci-archive or oci-dir) in; succeeds with their names or ids. */
  readonly load: (source: ArchiveSource) => Effect.Effect<ReadonlyArray<string>, ImageFailure>
  /** Write an image to a file or directory, complete or not at all, or to whatever takes the bytes of an archive. */
  readonly save: (
    ref: string,
    options: { readonly destination: ArchiveDestination; readonly format: string },
  ) => Effect.Effect<void, ImageFailure>
  /** Take an image in from any skopeo transport, a registry when none is named; succeeds with its id. */
  readonly pull: (ref: string, flags: PullFlags) => Effect.Effect<string, ImageFailure>
  /** Copy an image to any skopeo transport. */
  readonly push: (ref: string, destination: string, flags: PushFlags) => Effect.Effect<void, ImageFailure>
  readonly tag: (ref: string, names: ReadonlyArray<string>) => Effect.Effect<void, ImageFailure>
  readonly untag: (ref: string, names: ReadonlyArray<string>) => Effect.Effect<void, ImageFailure>
  readonly remove: (
    refs: ReadonlyArray<string>,
    options: { readonly all: boolean; readonly force: boolean; readonly ignore: boolean },
  ) => Effect.Effect<Items<ImageRemoval, ImageFailure>, HostFailure>
  readonly list: (
    flags: ImageListFlags,
    refs: ReadonlyArray<string>,
  ) => Effect.Effect<ReadonlyArray<ImageSummary>, ImageFailure>
  readonly inspect: (ref: string) => Effect.Effect<ImageInspect, ImageFailure>
  readonly exists: (ref: string) => Effect.Effect<boolean, HostFailure>
  readonly tree: (ref: string) => Effect.Effect<ImageTree, ImageFailure>
}

export class ImageEngine extends Context.Service<ImageEngine, ImageEngineShape>()("@cryopod/entities/ImageEngine") {}
