/** What the service says of itself and its host. */
import { CheckFlags, containerFailures, hostFailures, SystemCheck, SystemInfo } from "@cryopod/entities"
import * as Schema from "effect/Schema"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import { parametersOf, query } from "../Query.ts"
import { routes } from "../Routes.ts"
import { errorsOf } from "../WireFailure.ts"

const words = Schema.String.pipe(HttpApiSchema.asText())

/** libpod's ComponentVersion; `Details` of the first component describe the engine. */
export const VersionReport = Schema.Struct({
  Platform: Schema.optionalKey(Schema.Struct({ Name: Schema.String })),
  Components: Schema.Array(
    Schema.Struct({
      Name: Schema.String,
      Version: Schema.String,
      Details: Schema.Record(Schema.String, Schema.String),
    }),
  ),
  Version: Schema.String,
  ApiVersion: Schema.String,
  MinAPIVersion: Schema.optionalKey(Schema.String),
  GitCommit: Schema.String,
  GoVersion: Schema.String,
  Os: Schema.String,
  Arch: Schema.String,
  KernelVersion: Schema.optionalKey(Schema.String),
  BuildTime: Schema.optionalKey(Schema.String),
})
export type VersionReport = typeof VersionReport.Type

export const system = routes("system", {
  ping: (route) => HttpApiEndpoint.get(route, "/libpod/_ping", { success: words }),
  pingHead: (route) => HttpApiEndpoint.head(route, "/libpod/_ping", { success: HttpApiSchema.Empty(200) }),
  pingBare: (route) => HttpApiEndpoint.get(route, "/_ping", { success: words }),
  pingBareHead: (route) => HttpApiEndpoint.head(route, "/_ping", { success: HttpApiSchema.Empty(200) }),
  version: (route) =>
    HttpApiEndpoint.get(route, "/libpod/version", { success: VersionReport, error: errorsOf(hostFailures) }),
  versionBare: (route) =>
    HttpApiEndpoint.get(route, "/version", { success: VersionReport, error: errorsOf(hostFailures) }),
  info: (route) => HttpApiEndpoint.get(route, "/libpod/info", { success: SystemInfo, error: errorsOf(hostFailures) }),
  // beyond libpod: whether the service's host can checkpoint and restore
  check: (route) =>
    HttpApiEndpoint.get(route, "/cryopod/check", {
      query: query(parametersOf(CheckFlags, ["deep"])),
      success: SystemCheck,
      error: errorsOf(hostFailures),
    }),
  // beyond libpod: the record of a container that has ended is brought in order
  cleanup: (route) =>
    HttpApiEndpoint.post(route, "/cryopod/containers/:name/cleanup", {
      params: { name: Schema.String },
      success: HttpApiSchema.NoContent,
      error: errorsOf(containerFailures),
    }),
})
