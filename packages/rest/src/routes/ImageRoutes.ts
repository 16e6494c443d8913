/** Images. Names with slashes come escaped or plain; `RequestPath.ts` makes one segment of them. */
import {
  BuildFlags,
  imageFailures,
  ImageInspect,
  ImageListFlags,
  ImageRemoveFlags,
  ImageSummary,
  ImageTree,
  ImportFlags,
  PullFlags,
  PushFlags,
} from "@cryopod/entities"
import * as Schema from "effect/Schema"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import { jsonText, named, parameter, parametersOf, query } from "../Query.ts"
import { routes } from "../Routes.ts"
import { errorsOf } from "../WireFailure.ts"
import { archiveBody, failuresToo, filters, PruneReport } from "./ContainerRoutes.ts"

const name = { name: Schema.String }
const errors = () => errorsOf(imageFailures)

/**
 * What a pull reports, one JSON document a line: texts of progress, and at last the ids or the error. A failure comes under
 * status 200, since the status has gone out long before.
 */
export const PullProgress = Schema.Struct({
  stream: Schema.optionalKey(Schema.String),
  error: Schema.optionalKey(Schema.String),
  images: Schema.optionalKey(Schema.Array(Schema.String)),
  id: Schema.optionalKey(Schema.String),
  /** Beyond libpod: the failure as `WireFailure.ts` writes it. */
  failure: Schema.optionalKey(Schema.Unknown),
})
export type PullProgress = typeof PullProgress.Type

/**
 * What a build says, one JSON document a line: what instructions print on either stream, and at last the image's id in a line of
 * its own, or the error. A failure comes under status 200, since the status has gone out long before.
 */
export const BuildProgress = Schema.Struct({
  stream: Schema.optionalKey(Schema.String),
  error: Schema.optionalKey(Schema.String),
  /** The error once more, where `podman --remote` looks for it. */
  errorDetail: Schema.optionalKey(Schema.Struct({ message: Schema.String })),
  failure: Schema.optionalKey(Schema.Unknown),
})
export type BuildProgress = typeof BuildProgress.Type

/** `NAME=VALUE` as JSON: an object, or a list of such words. */
const Pairs = Schema.Union([Schema.Record(Schema.String, Schema.String), Schema.Array(Schema.String)])

export const PushProgress = Schema.Struct({
  stream: Schema.optionalKey(Schema.String),
  manifestdigest: Schema.optionalKey(Schema.String),
  error: Schema.optionalKey(Schema.String),
  failure: Schema.optionalKey(Schema.Unknown),
})
export type PushProgress = typeof PushProgress.Type

/**
 * libpod's ImageTreeReport: the tree as text; and beyond libpod the document that the text was made of. Go takes names of
 * fields for the same that differ in case only, so what is added has a name of its own.
 */
export const TreeReport = Schema.Struct({ Tree: Schema.String, document: Schema.optionalKey(ImageTree) })

/** libpod's ImageRemoveReport with the errors' texts; beyond libpod `failures`, as `WireFailure.ts` writes them. */
export const ImageRemovalReport = Schema.Struct({
  Deleted: Schema.optionalKey(Schema.NullOr(Schema.Array(Schema.String))),
  Untagged: Schema.optionalKey(Schema.NullOr(Schema.Array(Schema.String))),
  ExitCode: Schema.Int,
  Errors: Schema.optionalKey(Schema.NullOr(Schema.Array(Schema.String))),
  failures: Schema.optionalKey(Schema.Array(Schema.Struct({ input: Schema.String, failure: Schema.Unknown }))),
})

/** Credentials for a registry: base64 of Docker's AuthConfig, as `{"username","password"}` or registries with theirs. */
const registryHeaders = { "x-registry-auth": Schema.optionalKey(Schema.String) }

export const images = routes("images", {
  list: (route) =>
    HttpApiEndpoint.get(route, "/libpod/images/json", {
      query: query({ ...parametersOf(ImageListFlags, ["all"]), filters }),
      success: Schema.Array(ImageSummary),
      error: errors(),
    }),
  exists: (route) =>
    HttpApiEndpoint.get(route, "/libpod/images/:name/exists", {
      params: name,
      success: HttpApiSchema.NoContent,
      error: errors(),
    }),
  inspect: (route) =>
    HttpApiEndpoint.get(route, "/libpod/images/:name/json", {
      params: name,
      query: query({ size: parameter.bool("Taken for compatibility: sizes are always told") }),
      success: ImageInspect,
      error: errors(),
    }),
  tree: (route) =>
    HttpApiEndpoint.get(route, "/libpod/images/:name/tree", {
      params: name,
      query: query({ whatrequires: parameter.bool("Show images that build on this one") }),
      success: TreeReport,
      error: errors(),
    }),
  pull: (route) =>
    HttpApiEndpoint.post(route, "/libpod/images/pull", {
      headers: registryHeaders,
      query: query({
        ...parametersOf(PullFlags, ["tlsVerify", "quiet"]),
        reference: parameter.text("The image, with a registry"),
        policy: parameter.text("always, missing, newer or never"),
        allTags: parameter.bool("Every tag of the repository"),
        arch: parameter.text("Another architecture than the host's"),
        os: parameter.text("Another operating system than the host's"),
        variant: parameter.text("Another variant than the host's"),
      }),
      success: HttpApiSchema.StreamNdjson({ schema: PullProgress, contentType: "application/json" }),
      error: errors(),
    }),
  push: (route) =>
    HttpApiEndpoint.post(route, "/libpod/images/:name/push", {
      headers: registryHeaders,
      params: name,
      query: query({
        ...parametersOf(PushFlags, ["tlsVerify", "quiet", "compressionFormat"]),
        destination: parameter.text("Where to, the image's own name without one"),
        format: parameter.text("Taken for compatibility: manifests are OCI's"),
      }),
      success: HttpApiSchema.StreamNdjson({ schema: PushProgress, contentType: "application/json" }),
      error: errors(),
    }),
  build: (route) =>
    HttpApiEndpoint.post(route, "/libpod/build", {
      query: query({
        ...parametersOf(BuildFlags, ["tag", "target", "noCache", "pull", "squash", "quiet", "tlsVerify"]),
        file: named("dockerfile", parameter.text("Path of a Containerfile in the context, or a JSON list of them")),
        buildArg: named(
          "buildargs",
          Schema.optionalKey(jsonText(Pairs).annotate({ description: "Values for ARG instructions, as JSON" })),
        ),
        label: named(
          "labels",
          Schema.optionalKey(jsonText(Pairs).annotate({ description: "Labels of the image, as JSON" })),
        ),
        contextDirectory: parameter.text(
          "Beyond libpod: what the client calls the directory of the context, and so do the texts about it",
        ),
        remote: parameter.text("Refused: the context is the body"),
        platform: parameter.texts("Refused: an image is built for the host's own platform"),
      }),
      payload: archiveBody,
      success: HttpApiSchema.StreamNdjson({ schema: BuildProgress, contentType: "application/json" }),
      error: errors(),
    }),
  load: (route) =>
    HttpApiEndpoint.post(route, "/libpod/images/load", {
      payload: archiveBody,
      success: Schema.Struct({ Names: Schema.Array(Schema.String) }),
      error: errors(),
    }),
  import: (route) =>
    HttpApiEndpoint.post(route, "/libpod/images/import", {
      query: query({
        ...parametersOf(ImportFlags, ["change", "message"]),
        reference: parameter.text("Name of the new image"),
        url: parameter.text("Refused: the archive is the body"),
      }),
      payload: archiveBody,
      success: Schema.Struct({ Id: Schema.String }),
      error: errors(),
    }),
  export: (route) =>
    HttpApiEndpoint.get(route, "/libpod/images/:name/get", {
      params: name,
      query: query({
        format: parameter.text("oci-archive, docker-archive or oci-dir"),
        compress: parameter.bool("Taken for compatibility"),
      }),
      success: archiveBody,
      error: errors(),
    }),
  exportSeveral: (route) =>
    HttpApiEndpoint.get(route, "/libpod/images/export", {
      query: query({
        references: parameter.texts("The images; one"),
        format: parameter.text("oci-archive, docker-archive or oci-dir"),
        compress: parameter.bool("Taken for compatibility"),
      }),
      success: archiveBody,
      error: errors(),
    }),
  tag: (route) =>
    HttpApiEndpoint.post(route, "/libpod/images/:name/tag", {
      params: name,
      query: query({ repo: parameter.text("New name"), tag: parameter.text("Its tag, `latest` without one") }),
      success: HttpApiSchema.Empty(201),
      error: errors(),
    }),
  untag: (route) =>
    HttpApiEndpoint.post(route, "/libpod/images/:name/untag", {
      params: name,
      query: query({ repo: parameter.text("Name to take away, all without one"), tag: parameter.text("Its tag") }),
      success: HttpApiSchema.Empty(201),
      error: errors(),
    }),
  remove: (route) =>
    HttpApiEndpoint.delete(route, "/libpod/images/:name", {
      params: name,
      query: query(parametersOf(ImageRemoveFlags, ["force", "ignore"])),
      success: ImageRemovalReport,
      error: errors(),
    }),
  removeSeveral: (route) =>
    HttpApiEndpoint.delete(route, "/libpod/images/remove", {
      query: query({
        ...parametersOf(ImageRemoveFlags, ["all", "force", "ignore"]),
        images: parameter.texts("The images to remove"),
      }),
      success: ImageRemovalReport,
      error: errors(),
    }),
  prune: (route) =>
    HttpApiEndpoint.post(route, "/libpod/images/prune", {
      query: query({
        all: parameter.bool("Images without containers, not only without names"),
        filters,
        ...failuresToo,
      }),
      success: Schema.Array(PruneReport),
      error: errors(),
    }),
})
