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
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import { parameter, parametersOf, query } from "../Query.ts"
import { errorsOf } from "../WireFailure.ts"
import { archiveBody, checkpointing, insisting } from "./ContainerRoutes.ts"

const name = { name: Schema.String }
const errors = errorsOf(checkpointViewFailures)
const inspecting = query(parametersOf(CheckpointInspectFlags, ["environment"]))
const checking = query({ ...parametersOf(RestoreFlags, checkedOptions), ...insisting })
const checkErrors = errorsOf([...checkpointViewFailures, OptionConflict])
const searching = query(parametersOf(MemorySearchFlags, ["pid", "search", "searchRegex", "context"]))
const reading = query({ pid: parameter.int("Number of the process") })
const lines = HttpApiSchema.StreamUint8Array({ contentType: "application/x-ndjson" })
const frames = HttpApiSchema.StreamUint8Array({ contentType: "application/octet-stream" })

export const checkpoints = HttpApiGroup.make("checkpoints").add(
  HttpApiEndpoint.get("list", "/cryopod/checkpoints/json", {
    query: query({
      directories: parameter.texts("Directories of the service's host whose archives are listed as well"),
    }),
    success: Schema.Array(CheckpointSummary),
    error: errors,
  }),
  HttpApiEndpoint.get("inspect", "/cryopod/checkpoints/:name/json", {
    params: name,
    query: inspecting,
    success: CheckpointInspect,
    error: errors,
  }),
  HttpApiEndpoint.post("inspectArchive", "/cryopod/checkpoints/archive/json", {
    query: inspecting,
    payload: archiveBody,
    success: CheckpointInspect,
    error: errors,
  }),
  HttpApiEndpoint.get("check", "/cryopod/checkpoints/:name/check", {
    params: name,
    query: checking,
    success: CheckpointCheck,
    error: checkErrors,
  }),
  HttpApiEndpoint.post("checkArchive", "/cryopod/checkpoints/archive/check", {
    query: checking,
    payload: archiveBody,
    success: CheckpointCheck,
    error: checkErrors,
  }),
  HttpApiEndpoint.get("plan", "/cryopod/containers/:name/checkpoint/plan", {
    params: name,
    query: checkpointing,
    success: CheckpointPlan,
    error: checkErrors,
  }),
  HttpApiEndpoint.get("diff", "/cryopod/checkpoints/:name/diff", {
    params: name,
    query: query({
      ...parametersOf(CheckpointDiffFlags, ["environment", "unchanged"]),
      with: parameter.text("The other one, which is compared with this"),
    }),
    success: CheckpointDiff,
    error: errors,
  }),
  HttpApiEndpoint.get("search", "/cryopod/checkpoints/:name/memory/search", {
    params: name,
    query: searching,
    success: lines,
    error: errors,
  }),
  HttpApiEndpoint.post("searchArchive", "/cryopod/checkpoints/archive/memory/search", {
    query: searching,
    payload: archiveBody,
    success: lines,
    error: errors,
  }),
  HttpApiEndpoint.get("memory", "/cryopod/checkpoints/:name/memory", {
    params: name,
    query: reading,
    success: frames,
    error: errors,
  }),
  HttpApiEndpoint.post("memoryOfArchive", "/cryopod/checkpoints/archive/memory", {
    query: reading,
    payload: archiveBody,
    success: frames,
    error: errors,
  }),
)
