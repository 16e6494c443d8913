/**
 * Beyond libpod: looks into checkpoints, and into what a checkpoint would be. One that has a name here is asked for by it; an
 * archive is the body.
 *
 * What is found in memory comes as one JSON document a line, memory itself in frames of `MemoryFrames.ts`.
 */
import {
  CheckpointCheck,
  CheckpointDiff,
  CheckpointDiffFlags,
  CheckpointInspect,
  CheckpointInspectFlags,
  CheckpointPlan,
  CheckpointSummary,
  checkpointViewFailures,
  checkedOptions,
  MemorySearchFlags,
  OptionConflict,
  RestoreFlags,
} from "@cryopod/entities"
import * as Schema from "effect/Schema"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import { parameter, parametersOf, query } from "../Query.ts"
import { routes } from "../Routes.ts"
import { errorsOf } from "../WireFailure.ts"
import { archiveBody, checkpointing, insisting } from "./ContainerRoutes.ts"

const name = { name: Schema.String }
const errors = () => errorsOf(checkpointViewFailures)
const inspecting = () => query(parametersOf(CheckpointInspectFlags, ["environment"]))
const checking = () => query({ ...parametersOf(RestoreFlags, checkedOptions), ...insisting })
const checkErrors = () => errorsOf([...checkpointViewFailures, OptionConflict])
const searching = () => query(parametersOf(MemorySearchFlags, ["pid", "search", "searchRegex", "context"]))
const reading = () => query({ pid: parameter.int("Number of the process") })
const lines = () => HttpApiSchema.StreamUint8Array({ contentType: "application/x-ndjson" })
const frames = () => HttpApiSchema.StreamUint8Array({ contentType: "application/octet-stream" })

export const checkpoints = routes("checkpoints", {
  list: (route) =>
    HttpApiEndpoint.get(route, "/cryopod/checkpoints/json", {
      query: query({
        directories: parameter.texts("Directories of the service's host whose archives are listed as well"),
      }),
      success: Schema.Array(CheckpointSummary),
      error: errors(),
    }),
  inspect: (route) =>
    HttpApiEndpoint.get(route, "/cryopod/checkpoints/:name/json", {
      params: name,
      query: inspecting(),
      success: CheckpointInspect,
      error: errors(),
    }),
  inspectArchive: (route) =>
    HttpApiEndpoint.post(route, "/cryopod/checkpoints/archive/json", {
      query: inspecting(),
      payload: archiveBody,
      success: CheckpointInspect,
      error: errors(),
    }),
  check: (route) =>
    HttpApiEndpoint.get(route, "/cryopod/checkpoints/:name/check", {
      params: name,
      query: checking(),
      success: CheckpointCheck,
      error: checkErrors(),
    }),
  checkArchive: (route) =>
    HttpApiEndpoint.post(route, "/cryopod/checkpoints/archive/check", {
      query: checking(),
      payload: archiveBody,
      success: CheckpointCheck,
      error: checkErrors(),
    }),
  plan: (route) =>
    HttpApiEndpoint.get(route, "/cryopod/containers/:name/checkpoint/plan", {
      params: name,
      query: checkpointing(),
      success: CheckpointPlan,
      error: checkErrors(),
    }),
  diff: (route) =>
    HttpApiEndpoint.get(route, "/cryopod/checkpoints/:name/diff", {
      params: name,
      query: query({
        ...parametersOf(CheckpointDiffFlags, ["environment", "unchanged"]),
        with: parameter.text("The other one, which is compared with this"),
      }),
      success: CheckpointDiff,
      error: errors(),
    }),
  search: (route) =>
    HttpApiEndpoint.get(route, "/cryopod/checkpoints/:name/memory/search", {
      params: name,
      query: searching(),
      success: lines(),
      error: errors(),
    }),
  searchArchive: (route) =>
    HttpApiEndpoint.post(route, "/cryopod/checkpoints/archive/memory/search", {
      query: searching(),
      payload: archiveBody,
      success: lines(),
      error: errors(),
    }),
  memory: (route) =>
    HttpApiEndpoint.get(route, "/cryopod/checkpoints/:name/memory", {
      params: name,
      query: reading(),
      success: frames(),
      error: errors(),
    }),
  memoryOfArchive: (route) =>
    HttpApiEndpoint.post(route, "/cryopod/checkpoints/archive/memory", {
      query: reading(),
      payload: archiveBody,
      success: frames(),
      error: errors(),
    }),
})
