/** Pods. */
import { podFailures, PodInspect, PodKillFlags, PodRemoveFlags, PodStopFlags, PodSummary } from "@cryopod/entities"
import * as Schema from "effect/Schema"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import { PodSpecGenerator } from "../create/podOptions.ts"
import { parameter, parametersOf, query } from "../Query.ts"
import { routes } from "../Routes.ts"
import { errorsOf } from "../WireFailure.ts"
import { failuresToo, filters, PruneReport, TopReport } from "./ContainerRoutes.ts"

const name = { name: Schema.String }
const errors = () => errorsOf(podFailures)
const unchanged = HttpApiSchema.Empty(304)

/**
 * What became of a pod. A pod of which some containers failed answers with 409 and a failure, in which libpod's clients
 * find `Errs`.
 */
export const PodActionReport = Schema.Struct({
  Id: Schema.String,
  RawInput: Schema.optionalKey(Schema.String),
  Errs: Schema.optionalKey(Schema.NullOr(Schema.Array(Schema.Unknown))),
})

export const PodRemovalReport = Schema.Struct({
  Id: Schema.String,
  Err: Schema.optionalKey(Schema.NullOr(Schema.Unknown)),
  RemovedCtrs: Schema.optionalKey(Schema.NullOr(Schema.Record(Schema.String, Schema.Unknown))),
})

const action = <const Name extends string>(identifier: Name) =>
  HttpApiEndpoint.post(identifier, `/libpod/pods/:name/${identifier}`, {
    params: name,
    success: [PodActionReport, unchanged],
    error: errors(),
  })

export const pods = routes("pods", {
  list: (route) =>
    HttpApiEndpoint.get(route, "/libpod/pods/json", {
      query: query({ filters }),
      success: Schema.Array(PodSummary),
      error: errors(),
    }),
  create: (route) =>
    HttpApiEndpoint.post(route, "/libpod/pods/create", {
      payload: PodSpecGenerator,
      success: Schema.Struct({ Id: Schema.String }).pipe(HttpApiSchema.status(201)),
      error: errors(),
    }),
  prune: (route) =>
    HttpApiEndpoint.post(route, "/libpod/pods/prune", {
      query: query(failuresToo),
      success: Schema.Array(PruneReport),
      error: errors(),
    }),
  inspect: (route) =>
    HttpApiEndpoint.get(route, "/libpod/pods/:name/json", { params: name, success: PodInspect, error: errors() }),
  exists: (route) =>
    HttpApiEndpoint.get(route, "/libpod/pods/:name/exists", {
      params: name,
      success: HttpApiSchema.NoContent,
      error: errors(),
    }),
  start: action,
  restart: action,
  pause: action,
  unpause: action,
  stop: (route) =>
    HttpApiEndpoint.post(route, "/libpod/pods/:name/stop", {
      params: name,
      query: query(parametersOf(PodStopFlags, ["time", "ignore"])),
      success: [PodActionReport, unchanged],
      error: errors(),
    }),
  kill: (route) =>
    HttpApiEndpoint.post(route, "/libpod/pods/:name/kill", {
      params: name,
      query: query(parametersOf(PodKillFlags, ["signal"])),
      success: PodActionReport,
      error: errors(),
    }),
  remove: (route) =>
    HttpApiEndpoint.delete(route, "/libpod/pods/:name", {
      params: name,
      query: query(parametersOf(PodRemoveFlags, ["force", "ignore", "time"])),
      success: PodRemovalReport,
      error: errors(),
    }),
  top: (route) =>
    HttpApiEndpoint.get(route, "/libpod/pods/:name/top", {
      params: name,
      query: query({
        ps_args: parameter.text("Columns, or arguments of ps, with commas between them"),
        stream: parameter.bool("Go on with a new list every few seconds"),
      }),
      success: TopReport,
      error: errors(),
    }),
})
