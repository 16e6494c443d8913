/** `container checkpoint`: one request for each container; an archive comes back as the answer's body. */
import {
  type CheckpointFailure,
  checkpointFailures,
  type CheckpointFlags,
  type CheckpointOptions,
  CheckpointReport,
  type ContainerSelection,
  type HostFailure,
  type Items,
  type NoContainers,
  sharedTarget,
  type TargetShared,
} from "@cryopod/entities"
import { openDestination } from "@cryopod/host"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { ask, each, onlyOurs, type Remote, textOnly } from "../Remote.ts"
import { receive } from "../transfer.ts"
import { idOf, select } from "./select.ts"

export const checkpoint = Effect.fn("tunnel.checkpoint")(function* (
  remote: Remote,
  selection: ContainerSelection,
  options: CheckpointOptions,
): Effect.fn.Return<Items<CheckpointReport, CheckpointFailure>, HostFailure | NoContainers | TargetShared> {
  const inputs = yield* select(remote, selection, ({ IsInfra, State }) => State === "running" && !IsInfra)
  yield* refuseSharedTarget(remote, inputs, options)
  yield* refuseUnheard(remote, options)
  return yield* each(inputs, (input) => Effect.flatMap(idOf(remote, input), (id) => checkpointOne(remote, id, options)))
})

const checkpointOne = (
  remote: Remote,
  id: string,
  options: CheckpointOptions,
): Effect.Effect<CheckpointReport, CheckpointFailure> => {
  const { target } = options
  const request = (
    more: Partial<Pick<CheckpointFlags, "createImage" | "ignoreRootfs" | "ignoreVolumes" | "compress">> & {
      readonly export?: boolean
    },
  ) =>
    ask(
      remote,
      remote.containers.checkpoint({
        params: { name: id },
        query: { ...checkpointQuery(options), ...more },
        responseMode: "decoded-and-response",
      }),
    ).pipe(
      // rules about several containers and flags, which cannot be broken from here
      Effect.catchTags({
        OptionConflict: ({ message }) => Effect.fail(textOnly(message, 400)),
        TargetShared: ({ message }) => Effect.fail(textOnly(message, 400)),
      }),
    )
  if (target._tag !== "Archive") {
    return Effect.flatMap(request(target._tag === "Image" ? { createImage: target.name } : {}), ([report]) =>
      Stream.isStream(report) ? Effect.fail(textOnly("an archive in place of a report", 500)) : Effect.succeed(report),
    )
  }
  return Effect.scoped(
    Effect.gen(function* () {
      // what cannot be written to is found out before the service freezes anything
      const output = yield* openDestination(target.destination)
      const [body, response] = yield* request({
        export: true,
        ignoreRootfs: target.ignoreRootfs,
        ...(remote.kind === "cryopod" ? { ignoreVolumes: target.ignoreVolumes, compress: target.compression } : {}),
      })
      if (!Stream.isStream(body)) return body
      const told = yield* receive(remote, response, {
        output,
        failures: checkpointFailures,
        // Podman's service never compresses what it sends
        compression: remote.kind === "cryopod" ? "none" : target.compression,
      })
      // Podman's service answers with the archive and nothing else
      const nothing: CheckpointReport = { Id: id, runtime_checkpoint_duration: 0, criu_statistics: null, warnings: [] }
      return Option.getOrElse(Schema.decodeUnknownOption(CheckpointReport)(told), () => nothing)
    }),
  )
}

/** What each option adds to the query: one that is not here does not compile. */
export const checkpointQuery = ({ phase, target: _, ...options }: CheckpointOptions) => {
  const { fileLocks, keep, leaveRunning, tcpEstablished, ...criu } = options
  const { ghostLimitBytes, networkLock, ...switches } = criu
  const { extUnixSk, linkRemap, shellJob, skipInFlight, ...others } = switches
  const nothing: Record<string, never> = others
  return {
    ...nothing,
    keep,
    leaveRunning,
    tcpEstablished,
    fileLocks,
    preCheckpoint: phase === "preCheckpoint",
    withPrevious: phase === "withPrevious",
    extUnixSk,
    linkRemap,
    shellJob,
    skipInFlight,
    ...(ghostLimitBytes === undefined ? {} : { ghostLimit: String(ghostLimitBytes) }),
    ...(networkLock === undefined ? {} : { networkLock }),
    printStats: true,
  }
}

/** libpod's service does not decode them from a query (`pkg/api/handlers/libpod/containers.go`, Checkpoint). */
const refuseUnheard = (remote: Remote, options: CheckpointOptions) => {
  const { target } = options
  return onlyOurs(remote, {
    "leaving the volumes out of a checkpoint's archive": target._tag === "Archive" && target.ignoreVolumes,
    "CRIU's option ext-unix-sk": options.extUnixSk,
    "CRIU's option ghost-limit": options.ghostLimitBytes !== undefined,
    "CRIU's option link-remap": options.linkRemap,
    "CRIU's option network-lock": options.networkLock !== undefined,
    "CRIU's option shell-job": options.shellJob,
    "CRIU's option skip-in-flight": options.skipInFlight,
  })
}

/** Nothing is frozen when one target would be written several times. */
const refuseSharedTarget = Effect.fnUntraced(function* (
  remote: Remote,
  inputs: ReadonlyArray<string>,
  { target }: CheckpointOptions,
) {
  if (target._tag === "Container" || inputs.length < 2) return
  const found = yield* Effect.forEach(inputs, (input) => Effect.result(idOf(remote, input)))
  const shared = sharedTarget(
    target,
    found.flatMap((one) => (Result.isSuccess(one) ? [one.success] : [])),
  )
  if (shared !== undefined) yield* shared
})
