/**
 * Containers.
 *
 * One request is about one container, as libpod has it; operations on several are loops of the client. Options stand under
 * their names in `entities`; what is written out here belongs to the transport.
 */
import {
  checkpointFailures,
  CheckpointFlags,
  CheckpointReport,
  containerFailures,
  ContainerInspect,
  ContainerSummary,
  createFailures,
  HealthResults,
  KillFlags,
  ListFlags,
  LogsFlags,
  OptionConflict,
  RemoveFlags,
  restoreFailures,
  RestoreFlags,
  RestoreReport,
  StopFlags,
  TargetShared,
} from "@cryopod/entities"
import * as Schema from "effect/Schema"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import { jsonText, named, parameter, parametersOf, query } from "../Query.ts"
import { SpecGenerator } from "../create/SpecGenerator.ts"
import { routes } from "../Routes.ts"
import { errorsOf } from "../WireFailure.ts"

const name = { name: Schema.String }
const errors = () => errorsOf(containerFailures)

/** Done, with nothing to say. */
const done = HttpApiSchema.NoContent
/** It was so already. */
const unchanged = HttpApiSchema.Empty(304)

/** Filters as `podman --remote` sends them: names with their values. */
export const Filters = Schema.Record(Schema.String, Schema.Array(Schema.String))
export const filters = Schema.optionalKey(
  jsonText(Filters).annotate({ description: "Filters as JSON: their names, each with a list of values" }),
)

/** One change of a root filesystem, as libpod numbers the kinds: 0 modified, 1 added, 2 deleted. */
export const Change = Schema.Struct({ Path: Schema.String, Kind: Schema.Int })
export type Change = typeof Change.Type

/** Rows of `ps` under their titles. */
export const TopReport = Schema.Struct({
  Titles: Schema.Array(Schema.String),
  Processes: Schema.Array(Schema.Array(Schema.String)),
})

/**
 * What became of one removal or prune. libpod's clients can read no other `Err` than none, so what failed is not told to
 * them; a client of ours asks for it, and finds it under `failure` as `WireFailure.ts` writes failures.
 */
export const RemovalReport = Schema.Struct({
  Id: Schema.String,
  Err: Schema.optionalKey(Schema.NullOr(Schema.Unknown)),
  RawInput: Schema.optionalKey(Schema.String),
})
export const PruneReport = Schema.Struct({
  Id: Schema.String,
  Err: Schema.optionalKey(Schema.NullOr(Schema.Unknown)),
  Size: Schema.optionalKey(Schema.Int),
  failure: Schema.optionalKey(Schema.Unknown),
})

/** Beyond libpod: asks for those that failed, too. */
export const failuresToo = { failures: parameter.bool("Tell of what could not be removed, too") }

/** Options of a checkpoint, for making one and for asking whether it could be made. */
export const checkpointing = () =>
  query({
    ...parametersOf(CheckpointFlags, [
      "keep",
      "leaveRunning",
      "tcpEstablished",
      "printStats",
      "preCheckpoint",
      "withPrevious",
      "fileLocks",
      "createImage",
      "ignoreRootfs",
      // beyond libpod, whose service does not know it
      "ignoreVolumes",
      "compress",
      "extUnixSk",
      "ghostLimit",
      "linkRemap",
      "networkLock",
      "shellJob",
      "skipInFlight",
    ]),
    export: parameter.bool("Answer with the checkpoint as an archive"),
  })

/** Beyond libpod. */
export const insisting = {
  runtime: parameter.text("Name of the OCI runtime that is to do it; a checkpoint that needs another one is refused"),
}

/** Media type of an archive in a body, both ways; libpod's checkpoint handler answers with this very text. */
export const archiveType = "application/octet; charset=us-ascii"

/** Bodies that are archives: any media type is taken, this one is sent. */
export const archiveBody = HttpApiSchema.StreamUint8Array({ contentType: "application/x-tar" })

export const containers = routes("containers", {
  list: (route) =>
    HttpApiEndpoint.get(route, "/libpod/containers/json", {
      query: query({
        ...parametersOf(ListFlags, ["all", "last", "external", "size"]),
        // what podman --remote calls the limit
        alsoLast: named("last", parameter.int("The same as `limit`, and wins")),
        filters,
        sync: parameter.bool("Taken for compatibility: what is told is always what is"),
        namespace: parameter.bool("Taken for compatibility"),
      }),
      success: Schema.Array(ContainerSummary),
      error: errors(),
    }),
  exists: (route) =>
    HttpApiEndpoint.get(route, "/libpod/containers/:name/exists", { params: name, success: done, error: errors() }),
  inspect: (route) =>
    HttpApiEndpoint.get(route, "/libpod/containers/:name/json", {
      params: name,
      query: query({ size: parameter.bool("Return the size of the container") }),
      success: ContainerInspect,
      error: errors(),
    }),
  create: (route) =>
    HttpApiEndpoint.post(route, "/libpod/containers/create", {
      payload: SpecGenerator,
      success: Schema.Struct({ Id: Schema.String, Warnings: Schema.Array(Schema.String) }).pipe(
        HttpApiSchema.status(201),
      ),
      error: errorsOf(createFailures),
    }),
  start: (route) =>
    HttpApiEndpoint.post(route, "/libpod/containers/:name/start", {
      params: name,
      success: [done, unchanged],
      error: errorsOf(createFailures),
    }),
  stop: (route) =>
    HttpApiEndpoint.post(route, "/libpod/containers/:name/stop", {
      params: name,
      query: query(parametersOf(StopFlags, ["time", "ignore"])),
      success: [done, unchanged],
      error: errors(),
    }),
  restart: (route) =>
    HttpApiEndpoint.post(route, "/libpod/containers/:name/restart", {
      params: name,
      query: query({ t: parameter.int("Seconds to wait for stop before killing the container") }),
      success: done,
      error: errorsOf(createFailures),
    }),
  kill: (route) =>
    HttpApiEndpoint.post(route, "/libpod/containers/:name/kill", {
      params: name,
      query: query(parametersOf(KillFlags, ["signal"])),
      success: done,
      error: errors(),
    }),
  pause: (route) =>
    HttpApiEndpoint.post(route, "/libpod/containers/:name/pause", { params: name, success: done, error: errors() }),
  unpause: (route) =>
    HttpApiEndpoint.post(route, "/libpod/containers/:name/unpause", { params: name, success: done, error: errors() }),
  wait: (route) =>
    HttpApiEndpoint.post(route, "/libpod/containers/:name/wait", {
      params: name,
      query: query({
        condition: parameter.texts("States to wait for; the container's end without one"),
        interval: parameter.text("Time between two looks, as Go writes durations"),
      }),
      // the exit code, as a number of JSON
      success: Schema.Int,
      error: errors(),
    }),
  remove: (route) =>
    HttpApiEndpoint.delete(route, "/libpod/containers/:name", {
      params: name,
      query: query({
        ...parametersOf(RemoveFlags, ["force", "ignore", "depend", "time"]),
        v: parameter.bool("Remove anonymous volumes associated with the container"),
        volumes: parameter.bool("Remove anonymous volumes associated with the container"),
      }),
      success: Schema.Array(RemovalReport),
      error: errors(),
    }),
  prune: (route) =>
    HttpApiEndpoint.post(route, "/libpod/containers/prune", {
      query: query({ filters, ...failuresToo }),
      success: Schema.Array(PruneReport),
      error: errors(),
    }),
  rename: (route) =>
    HttpApiEndpoint.post(route, "/libpod/containers/:name/rename", {
      params: name,
      query: query({ name: parameter.text("New name of the container") }),
      success: done,
      error: errors(),
    }),
  top: (route) =>
    HttpApiEndpoint.get(route, "/libpod/containers/:name/top", {
      params: name,
      query: query({
        ps_args: parameter.texts("Columns, or arguments of ps"),
        stream: parameter.bool("Go on with a new list every few seconds"),
      }),
      success: TopReport,
      error: errors(),
    }),
  healthcheck: (route) =>
    HttpApiEndpoint.get(route, "/libpod/containers/:name/healthcheck", {
      params: name,
      success: HealthResults,
      error: errors(),
    }),
  changes: (route) =>
    HttpApiEndpoint.get(route, "/libpod/containers/:name/changes", {
      params: name,
      query: query({
        parent: parameter.text("What to compare with, the image without one"),
        diffType: parameter.text("all, container or image"),
      }),
      success: Schema.NullOr(Schema.Array(Change)),
      error: errorsOf(createFailures),
    }),
  /** Frames of `Multiplex.ts`, also with a terminal. */
  logs: (route) =>
    HttpApiEndpoint.get(route, "/libpod/containers/:name/logs", {
      params: name,
      query: query({
        ...parametersOf(LogsFlags, ["follow", "timestamps"]),
        tail: parameter.text("Number of lines from the end, or `all`"),
        stdout: parameter.bool("What the container wrote to its standard output"),
        stderr: parameter.bool("What the container wrote to its standard error"),
        since: parameter.text("Only lines since this instant"),
        until: parameter.text("Only lines until this instant"),
      }),
      success: HttpApiSchema.StreamUint8Array({ contentType: "application/octet-stream" }),
      error: errors(),
    }),
  /** Output comes in frames of `Multiplex.ts` unless the container has a terminal; input goes as it is. */
  attach: (route) =>
    HttpApiEndpoint.post(route, "/libpod/containers/:name/attach", {
      params: name,
      query: query({
        stream: parameter.bool("Follow the container from now on"),
        logs: parameter.bool("Begin with what the container has said already"),
        stdin: parameter.bool("Take input"),
        stdout: parameter.bool("Give standard output"),
        stderr: parameter.bool("Give standard error"),
        detachKeys: parameter.text("Taken for compatibility: keys that end the connection are the client's business"),
      }),
      success: HttpApiSchema.Upgrade({ protocol: "tcp" }),
      error: errors(),
    }),
  resize: (route) =>
    HttpApiEndpoint.post(route, "/libpod/containers/:name/resize", {
      params: name,
      query: query({
        h: parameter.int("Rows of the terminal"),
        w: parameter.int("Columns of the terminal"),
        running: parameter.bool("A container that does not run is no failure"),
      }),
      success: HttpApiSchema.Empty(200),
      error: errors(),
    }),
  shouldRestart: (route) =>
    HttpApiEndpoint.get(route, "/libpod/containers/:name/shouldrestart", {
      params: name,
      success: done,
      error: errors(),
    }),
  /** With `export` the body is the archive and there is no report. */
  checkpoint: (route) =>
    HttpApiEndpoint.post(route, "/libpod/containers/:name/checkpoint", {
      params: name,
      query: checkpointing(),
      success: [CheckpointReport, HttpApiSchema.StreamUint8Array({ contentType: archiveType })],
      error: errorsOf([...checkpointFailures, OptionConflict, TargetShared]),
    }),
  /** A container, or else an image, by its name; with `import` the archive is the body and the name is not looked at. */
  restore: (route) =>
    HttpApiEndpoint.post(route, "/libpod/containers/:name/restore", {
      params: name,
      query: query({
        ...parametersOf(RestoreFlags, [
          "keep",
          "tcpEstablished",
          "tcpClose",
          "name",
          "pod",
          "publish",
          // beyond libpod
          "volume",
          "ignoreRootfs",
          "ignoreVolumes",
          "ignoreStaticIp",
          "ignoreStaticMac",
          "printStats",
          "fileLocks",
          // beyond libpod
          "policy",
          "force",
          "extUnixSk",
          "shellJob",
        ]),
        ...insisting,
        import: parameter.bool("The body is the archive to restore from"),
        importLength: parameter.int(
          "Beyond libpod: the archive has so many bytes, and behind it comes the archive of the pre-checkpoint it builds on",
        ),
      }),
      payload: archiveBody,
      success: RestoreReport,
      error: errorsOf(restoreFailures),
    }),
})
