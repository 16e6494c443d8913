/**
 * A checkpoint that is not made: everything that `checkpoint` asks before it freezes anything, with a finding for each instead of
 * an end at the first, and what CRIU would refuse. An output is opened and given up again; nothing else is written.
 */
import { rootfsChanges } from "@cryopod/checkpoint"
import {
  type CheckFinding,
  type CheckpointOptions,
  type CheckpointPlan,
  type CheckpointViewFailure,
  SpaceMissing,
  targetName,
} from "@cryopod/entities"
import { Layout, treeBytes } from "@cryopod/host"
import { RootFilesystems } from "@cryopod/images"
import { containerPaths, type ContainerRecord, isActive, processTree, treeResidentBytes } from "@cryopod/runtime"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { withinRef } from "../container/ContainerScope.ts"
import { asFinding, no, ok } from "../compatibility/findings.ts"
import type { AllServices } from "../EngineServices.ts"
import { requireRoot } from "../system/privilege.ts"
import { Probes } from "../system/Probes.ts"
import { refuseRounds } from "./checkpoint.ts"
import type { LeavingMounts } from "./leavingMounts.ts"
import { obstacles } from "./obstacles.ts"
import { leavingBytes, preflightParts } from "./preflight.ts"
import type { Sink } from "./sink.ts"
import { spaceNeeds } from "./space.ts"

export const planCheckpoint = Effect.fn("CheckpointEngine.plan")(function* (
  ref: string,
  options: CheckpointOptions,
): Effect.fn.Return<CheckpointPlan, CheckpointViewFailure, AllServices> {
  yield* requireRoot("checkpoint")
  return yield* withinRef(ref, (record) => Effect.scoped(planOf(record, options)))
})

const remedies = {
  state: "start or unpause the container, or leave out what it cannot have",
  processes: "let the process go on, or end it",
  criu: "install a CRIU that serves this kernel, or leave out what it cannot do",
  neighbours: "checkpoint the others with it, or leave its checkpoint with the container",
  mounts: "make the volume, or leave volumes out",
  destination: "name a place that can be written to",
} as const

const planOf = Effect.fnUntraced(function* (record: ContainerRecord, options: CheckpointOptions) {
  const { id, name, state } = record
  const parts = preflightParts(record, options)
  const runs = isActive(state)
  const pids = runs ? processTree(state.pid) : []
  const memoryBytes = runs ? treeResidentBytes(state.pid) : 0
  const criu = Effect.gen(function* () {
    const { text } = yield* (yield* Probes).criu
    yield* refuseRounds(options)
    yield* parts.criu
    return text
  })
  const sink = yield* Effect.result(parts.destination)
  const mounts = yield* Effect.result(parts.mounts)
  const rootfs = yield* leavingRootfs(record, sink)
  const space = yield* spaceFindings(record, options, { mounts, sink })
  const findings: ReadonlyArray<CheckFinding> = [
    yield* asFinding("state", parts.state, { found: () => state.status, remedy: remedies.state }),
    yield* asFinding("processes", parts.processes, { found: () => String(pids.length), remedy: remedies.processes }),
    yield* asFinding("criu", criu, { found: (text) => text, remedy: remedies.criu }),
    yield* asFinding("neighbours", parts.neighbours, { found: () => "none in the way", remedy: remedies.neighbours }),
    ...(runs && options.phase !== "preCheckpoint" ? obstacles(pids, options) : []),
    ok("memory", `${memoryBytes} bytes`),
    ok("rootfs", `${rootfs.changed} changed, ${rootfs.deleted} deleted, ${rootfs.sizeBytes} bytes`),
    yield* asFinding("mounts", Effect.fromResult(mounts), { found: mountsText, remedy: remedies.mounts }),
    yield* asFinding("destination", Effect.fromResult(sink), {
      found: () => destinationOf(options, sink),
      remedy: remedies.destination,
    }),
    ...space.findings,
  ]
  const plan: CheckpointPlan = {
    id,
    container: name,
    destination: destinationOf(options, sink),
    processes: pids.length,
    memoryBytes,
    rootfs,
    volumes: space.volumes,
    freezes: findings.every(({ status }) => status !== "no"),
    findings,
  }
  return plan
})

const mountsText = ({ content, warnings }: LeavingMounts) =>
  [content.length === 0 ? "no volumes leave" : `volumes ${content.join(", ")} leave`, ...warnings].join("; ")

/** An image by the name that it would have. */
const destinationOf = ({ target }: CheckpointOptions, sink: Result.Result<Sink, unknown>): string =>
  Result.isSuccess(sink) && sink.success._tag === "Image" ? sink.success.name : targetName(target)

/** The root filesystem of a container that has never run is not there. */
const leavingRootfs = Effect.fnUntraced(function* (
  { config, state }: ContainerRecord,
  sink: Result.Result<Sink, unknown>,
) {
  const leaves = Result.isSuccess(sink) && sink.success._tag !== "Container" && !sink.success.ignoreRootfs
  if (!leaves || !isActive(state)) return { changed: 0, deleted: 0, sizeBytes: 0 }
  const { merged, upper } = containerPaths(yield* Layout, config)
  const lower = yield* (yield* RootFilesystems).unpacked(config.imageId)
  const changes = yield* rootfsChanges({ upper, lower, merged })
  const deleted = changes.filter(({ kind }) => kind === "deleted").length
  return { changed: changes.length - deleted, deleted, sizeBytes: yield* treeBytes(upper) }
})

/** How much would be written where, when it is known what would go where. */
const spaceFindings = Effect.fnUntraced(function* (
  record: ContainerRecord,
  options: CheckpointOptions,
  {
    mounts,
    sink,
  }: {
    readonly mounts: Result.Result<LeavingMounts, unknown>
    readonly sink: Result.Result<Sink, unknown>
  },
) {
  if (Result.isFailure(mounts) || Result.isFailure(sink)) return { findings: [], volumes: [] }
  const { sizes, ...bytes } = yield* leavingBytes(record, options, { mounts: mounts.success, sink: sink.success })
  const needs = yield* spaceNeeds((yield* Layout).root, sink.success, bytes)
  return {
    findings: needs.map((need) => {
      const { availableBytes, neededBytes, path } = need
      return neededBytes > availableBytes
        ? no("space", new SpaceMissing(need).message, "make room, or put the checkpoint elsewhere")
        : ok("space", `${neededBytes} bytes in ${path}, where ${availableBytes} are free`)
    }),
    volumes: sizes.map(({ bytes: sizeBytes, name }) => ({ name, sizeBytes })),
  }
})
