/** Documents of images in memory (OCI image-spec), and the archives that carry them. */
import * as Tar from "effect/encoding/Tar"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import { ArchiveInvalid, ImageInvalid } from "../../failures/ImageFailures.ts"
import { isCheckpointImage } from "../../values/CheckpointAnnotations.ts"
import { collectBytes, type Files, readTar } from "./Files.ts"
import { digestOf, type ImageBytes, type ImageConfig, type MemoryImage } from "./MemoryHost.ts"
import { compressed, decompressed } from "./Snapshot.ts"

const mediaTypes = {
  manifest: "application/vnd.oci.image.manifest.v1+json",
  config: "application/vnd.oci.image.config.v1+json",
  layer: "application/vnd.oci.image.layer.v1.tar",
}

const jsonBytes = (value: unknown) => new TextEncoder().encode(JSON.stringify(value))
const parseBytes = (bytes: Uint8Array): unknown => JSON.parse(new TextDecoder().decode(bytes))

interface Manifest {
  readonly config: { readonly digest: string }
  readonly layers: ReadonlyArray<{ readonly digest: string }>
  readonly annotations?: Readonly<Record<string, string>>
}

interface Configuration {
  readonly created?: string
  readonly architecture?: string
  readonly config?: ImageConfig
  readonly rootfs: { readonly diff_ids: ReadonlyArray<string> }
  readonly history?: ReadonlyArray<{ readonly comment?: string }>
}

export interface NewImage {
  readonly layer: Uint8Array
  /** Of the layer without its compression. */
  readonly diffId: string
  readonly created: string
  readonly execution: ImageConfig
  readonly comment: string
  readonly annotations: Readonly<Record<string, string>>
}

export const architecture = process.arch === "x64" ? "amd64" : process.arch

export const makeImageBytes = (image: NewImage): ImageBytes => {
  const config = jsonBytes({
    created: image.created,
    architecture,
    os: "linux",
    config: image.execution,
    rootfs: { type: "layers", diff_ids: [image.diffId] },
    history: [{ created: image.created, comment: image.comment }],
  })
  return { manifest: manifestOf(config, image.layer, image.annotations), config, layer: image.layer }
}

const manifestOf = (
  config: Uint8Array,
  layer: Uint8Array,
  annotations: Readonly<Record<string, string>>,
  compression: "none" | "gzip" | "zstd" = "none",
) =>
  jsonBytes({
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    config: { mediaType: mediaTypes.config, digest: digestOf(config), size: config.length },
    layers: [
      {
        mediaType: compression === "none" ? mediaTypes.layer : `${mediaTypes.layer}+${compression}`,
        digest: digestOf(layer),
        size: layer.length,
      },
    ],
    annotations,
  })

/** The same image with its layer compressed otherwise. */
export const recompressed = (
  image: MemoryImage,
  compression: "gzip" | "zstd",
): Effect.Effect<ImageBytes, ArchiveInvalid> =>
  Effect.map(collectBytes(compressed(decompressed(Stream.make(image.layer), image.id), compression)), (layer) => ({
    config: image.config,
    manifest: manifestOf(image.config, layer, image.annotations, compression),
    layer,
  }))

/** An image from its documents; they are held against each other. */
export const readImage = Effect.fnUntraced(function* (
  bytes: ImageBytes,
  ref: string,
): Effect.fn.Return<MemoryImage, ImageInvalid | ArchiveInvalid> {
  const read = Result.try(() => [parseBytes(bytes.manifest), parseBytes(bytes.config)] as [Manifest, Configuration])
  if (Result.isFailure(read)) return yield* new ImageInvalid({ ref, problem: "has documents that are not JSON" })
  const [manifest, configuration] = read.success
  const configDigest = digestOf(bytes.config)
  if (manifest.config.digest !== configDigest || manifest.layers[0]?.digest !== digestOf(bytes.layer)) {
    return yield* new ImageInvalid({ ref, problem: "has documents that do not fit each other" })
  }
  const annotations = manifest.annotations ?? {}
  const execution = configuration.config ?? {}
  const files: Files = isCheckpointImage(annotations)
    ? new Map()
    : yield* readTar(decompressed(Stream.make(bytes.layer), ref), ref)
  return {
    ...bytes,
    id: configDigest.slice("sha256:".length),
    manifestDigest: digestOf(bytes.manifest),
    names: [],
    labels: execution.Labels ?? {},
    annotations,
    created: configuration.created ?? "1970-01-01T00:00:00Z",
    architecture: configuration.architecture ?? "",
    comment: configuration.history?.at(-1)?.comment ?? "",
    execution,
    diffId: configuration.rootfs.diff_ids[0] ?? "",
    files,
  }
})

/** An image and the names that an archive or a directory gives it. */
export interface CarriedImage {
  readonly bytes: ImageBytes
  readonly names: ReadonlyArray<string>
}

export type LayoutFormat = "oci" | "docker"

const refName = "org.opencontainers.image.ref.name"
const blobPath = (digest: string) => `blobs/sha256/${digest.slice("sha256:".length)}`

/** The files of an OCI image layout, with Docker's `manifest.json` as well where that is asked for. */
export const layoutFiles = (
  { bytes, names }: CarriedImage,
  format: LayoutFormat,
): ReadonlyArray<readonly [path: string, content: Uint8Array]> => {
  const descriptor = {
    mediaType: mediaTypes.manifest,
    digest: digestOf(bytes.manifest),
    size: bytes.manifest.length,
  }
  const manifests =
    names.length === 0 ? [descriptor] : names.map((name) => ({ ...descriptor, annotations: { [refName]: name } }))
  const [config, layer] = [blobPath(digestOf(bytes.config)), blobPath(digestOf(bytes.layer))]
  return [
    ["oci-layout", jsonBytes({ imageLayoutVersion: "1.0.0" })],
    ["index.json", jsonBytes({ schemaVersion: 2, manifests })],
    ...(format === "docker"
      ? [["manifest.json", jsonBytes([{ Config: config, RepoTags: names, Layers: [layer] }])] as const]
      : []),
    [blobPath(digestOf(bytes.manifest)), bytes.manifest],
    [config, bytes.config],
    [layer, bytes.layer],
  ]
}

export const layoutTar = (files: ReturnType<typeof layoutFiles>): Stream.Stream<Uint8Array> =>
  Stream.fromIterable(files.map(([path, content]) => Tar.file(path, content))).pipe(
    Stream.pipeThroughChannel(Tar.encode()),
    Stream.orDie,
  )

/** The images of a layout's files. */
export const imagesOfLayout = (
  files: ReadonlyMap<string, Uint8Array>,
  archive: string,
): Effect.Effect<ReadonlyArray<CarriedImage>, ArchiveInvalid> =>
  Effect.try({
    try: () => {
      const index = parseBytes(files.get("index.json") ?? new Uint8Array()) as {
        readonly manifests: ReadonlyArray<{
          readonly digest: string
          readonly annotations?: Readonly<Record<string, string>>
        }>
      }
      const blob = (digest: string) => {
        const content = files.get(blobPath(digest))
        if (content === undefined || digestOf(content) !== digest) throw new Error("blob")
        return content
      }
      const found = new Map<string, CarriedImage>()
      for (const { annotations, digest } of index.manifests) {
        const manifest = parseBytes(blob(digest)) as Manifest
        const name = annotations?.[refName]
        const names = [...(found.get(digest)?.names ?? []), ...(name === undefined ? [] : [name])]
        const bytes = {
          manifest: blob(digest),
          config: blob(manifest.config.digest),
          layer: blob(manifest.layers[0]?.digest ?? ""),
        }
        found.set(digest, { bytes, names })
      }
      return [...found.values()]
    },
    catch: () =>
      new ArchiveInvalid({
        archive,
        problem: "payload does not match any of the supported image formats (docker-archive, oci-archive, oci-dir)",
      }),
  })

/** The regular files of an archive, whole; only for what fits into memory. */
export const filesOfArchive = <E>(
  bytes: Stream.Stream<Uint8Array, E>,
  archive: string,
): Effect.Effect<ReadonlyMap<string, Uint8Array>, ArchiveInvalid | E> =>
  Effect.map(
    readTar(decompressed(bytes, archive), archive),
    (files) =>
      new Map(
        [...files].flatMap(([path, node]) => (node.kind === "file" ? [[path.slice(1), node.content] as const] : [])),
      ),
  )
