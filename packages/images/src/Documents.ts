/**
 * The JSON documents of an image: manifest, configuration, index.
 *
 * OCI image-spec 1.1 (`manifest.md`, `config.md`, `image-index.md`) and Docker's schema 2, which differs in media types
 * only. Documents are kept as the bytes they came in; what is read here is what the store needs. A digest that passed
 * through here is safe as a part of a path.
 */
import { HealthConfig, ImageInvalid } from "@cryopod/entities"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

export const mediaTypes = {
  index: "application/vnd.oci.image.index.v1+json",
  manifest: "application/vnd.oci.image.manifest.v1+json",
  config: "application/vnd.oci.image.config.v1+json",
  layer: "application/vnd.oci.image.layer.v1.tar",
  layerGzip: "application/vnd.oci.image.layer.v1.tar+gzip",
  layerZstd: "application/vnd.oci.image.layer.v1.tar+zstd",
  dockerManifest: "application/vnd.docker.distribution.manifest.v2+json",
  dockerManifestList: "application/vnd.docker.distribution.manifest.list.v2+json",
} as const

/** image-spec `annotations.md`. */
export const refNameAnnotation = "org.opencontainers.image.ref.name"

const Digest = Schema.String.check(Schema.isPattern(/^sha256:[0-9a-f]{64}$/))
const Labels = Schema.Record(Schema.String, Schema.String)

export const Descriptor = Schema.Struct({
  mediaType: Schema.String,
  digest: Digest,
  size: Schema.Int,
  annotations: Schema.optionalKey(Schema.NullOr(Labels)),
  platform: Schema.optionalKey(
    Schema.NullOr(
      Schema.Struct({ architecture: Schema.String, os: Schema.String, variant: Schema.optionalKey(Schema.String) }),
    ),
  ),
})
export type Descriptor = typeof Descriptor.Type

export const Manifest = Schema.Struct({
  schemaVersion: Schema.Literal(2),
  mediaType: Schema.optionalKey(Schema.String),
  config: Descriptor,
  layers: Schema.Array(Descriptor),
  annotations: Schema.optionalKey(Schema.NullOr(Labels)),
})
export type Manifest = typeof Manifest.Type

export const Index = Schema.Struct({
  schemaVersion: Schema.Literal(2),
  mediaType: Schema.optionalKey(Schema.String),
  manifests: Schema.Array(Descriptor),
})
export type Index = typeof Index.Type

export const HistoryEntry = Schema.Struct({
  created: Schema.optionalKey(Schema.NullOr(Schema.String)),
  created_by: Schema.optionalKey(Schema.String),
  author: Schema.optionalKey(Schema.String),
  comment: Schema.optionalKey(Schema.String),
  empty_layer: Schema.optionalKey(Schema.Boolean),
})
export type HistoryEntry = typeof HistoryEntry.Type

/** What a container of the image runs by default; `config.md`, property `config`. */
export const ExecutionConfig = Schema.Struct({
  User: Schema.optionalKey(Schema.String),
  ExposedPorts: Schema.optionalKey(Schema.NullOr(Schema.Record(Schema.String, Schema.Unknown))),
  Env: Schema.optionalKey(Schema.NullOr(Schema.Array(Schema.String))),
  Entrypoint: Schema.optionalKey(Schema.NullOr(Schema.Array(Schema.String))),
  Cmd: Schema.optionalKey(Schema.NullOr(Schema.Array(Schema.String))),
  Volumes: Schema.optionalKey(Schema.NullOr(Schema.Record(Schema.String, Schema.Unknown))),
  WorkingDir: Schema.optionalKey(Schema.String),
  Labels: Schema.optionalKey(Schema.NullOr(Labels)),
  StopSignal: Schema.optionalKey(Schema.String),
  Healthcheck: Schema.optionalKey(HealthConfig),
})
export type ExecutionConfig = typeof ExecutionConfig.Type

export const ImageConfig = Schema.Struct({
  created: Schema.optionalKey(Schema.NullOr(Schema.String)),
  author: Schema.optionalKey(Schema.String),
  comment: Schema.optionalKey(Schema.String),
  docker_version: Schema.optionalKey(Schema.String),
  architecture: Schema.optionalKey(Schema.String),
  os: Schema.optionalKey(Schema.String),
  config: Schema.optionalKey(Schema.NullOr(ExecutionConfig)),
  rootfs: Schema.Struct({ type: Schema.optionalKey(Schema.String), diff_ids: Schema.Array(Digest) }),
  history: Schema.optionalKey(Schema.NullOr(Schema.Array(HistoryEntry))),
})
export type ImageConfig = typeof ImageConfig.Type

const reader = <S extends Schema.ConstraintDecoder<unknown>>(what: string, schema: S) => {
  const decode = Schema.decodeUnknownEffect(Schema.fromJsonString(schema))
  return (bytes: Uint8Array, ref: string): Effect.Effect<S["Type"], ImageInvalid> =>
    decode(Buffer.from(bytes).toString("utf8")).pipe(
      Effect.mapError(
        (error) => new ImageInvalid({ ref, problem: `${what} cannot be read: ${oneLine(String(error))}` }),
      ),
    )
}

const oneLine = (text: string) => text.replaceAll(/\s+/g, " ").trim()

/** `ref` names the image in the failure. */
export const readManifest = reader("manifest", Manifest)
export const readIndex = reader("index", Index)
export const readConfig = reader("configuration", ImageConfig)

/** The bytes of a document that is made here. */
export const documentBytes = (document: unknown): Uint8Array => Buffer.from(JSON.stringify(document))

/** Node's word for a processor in Go's words, which images use. */
export const goArchitecture = (arch: string): string =>
  ({ x64: "amd64", ia32: "386", ppc64: "ppc64le", mipsel: "mipsle" })[arch] ?? arch
