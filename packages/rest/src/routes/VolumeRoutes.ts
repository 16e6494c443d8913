/** Named volumes. */
import {
  containerFailures,
  keyValues,
  pairTexts,
  type VolumeCreateOptions,
  volumeFailures,
  VolumeInspect,
  VolumeRemoveFlags,
} from "@cryopod/entities"
import * as Schema from "effect/Schema"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import { parametersOf, query } from "../Query.ts"
import { routes } from "../Routes.ts"
import { errorsOf } from "../WireFailure.ts"
import { failuresToo, filters, PruneReport } from "./ContainerRoutes.ts"

const name = { name: Schema.String }
const errors = () => errorsOf(volumeFailures)
const texts = Schema.optionalKey(Schema.NullOr(Schema.Record(Schema.String, Schema.String)))

/** libpod's VolumeCreateOptions; `Label` is its older name of `Labels`. */
export const VolumeBody = Schema.Struct({
  Name: Schema.optionalKey(Schema.String),
  Driver: Schema.optionalKey(Schema.String),
  Label: texts,
  Labels: texts,
  Options: texts,
  IgnoreIfExists: Schema.optionalKey(Schema.Boolean),
})
export type VolumeBody = typeof VolumeBody.Type

export const volumeBodyOf = (options: VolumeCreateOptions): VolumeBody => ({
  Name: options.name,
  Driver: options.driver,
  Labels: keyValues(options.label),
  Options: keyValues(options.opt),
  IgnoreIfExists: options.ignore,
})

export const volumeOptionsOf = (body: VolumeBody): VolumeCreateOptions => ({
  name: body.Name ?? "",
  driver: body.Driver || "local",
  label: pairTexts({ ...body.Label, ...body.Labels }),
  // an option without a value, as the command line has it
  opt: pairTexts(body.Options).map((text) => text.replace(/=$/, "")),
  ignore: body.IgnoreIfExists ?? false,
})

export const volumes = routes("volumes", {
  list: (route) =>
    HttpApiEndpoint.get(route, "/libpod/volumes/json", {
      query: query({ filters }),
      success: Schema.Array(VolumeInspect),
      error: errors(),
    }),
  create: (route) =>
    HttpApiEndpoint.post(route, "/libpod/volumes/create", {
      payload: VolumeBody,
      success: VolumeInspect.pipe(HttpApiSchema.status(201)),
      error: errors(),
    }),
  prune: (route) =>
    HttpApiEndpoint.post(route, "/libpod/volumes/prune", {
      query: query({ filters, ...failuresToo }),
      success: Schema.Array(PruneReport),
      error: errors(),
    }),
  inspect: (route) =>
    HttpApiEndpoint.get(route, "/libpod/volumes/:name/json", { params: name, success: VolumeInspect, error: errors() }),
  exists: (route) =>
    HttpApiEndpoint.get(route, "/libpod/volumes/:name/exists", {
      params: name,
      success: HttpApiSchema.NoContent,
      error: errors(),
    }),
  remove: (route) =>
    HttpApiEndpoint.delete(route, "/libpod/volumes/:name", {
      params: name,
      query: query(parametersOf(VolumeRemoveFlags, ["force", "time"])),
      success: HttpApiSchema.NoContent,
      error: errorsOf([...volumeFailures, ...containerFailures]),
    }),
})
