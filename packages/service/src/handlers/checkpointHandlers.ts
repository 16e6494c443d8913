/** Checkpoint and restore: options read by the rules that the command line has, archives as bodies. */
import {
  CheckpointFlags,
  checkpointRequest,
  type ContainerEngine,
  insistedRuntime,
  optionValues,
  RestoreFlags,
  restoreRequest,
  Selection,
} from "@cryopod/entities"
import { LibpodApi } from "@cryopod/rest"
import * as Effect from "effect/Effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import { bodyArchive, bodyArchives } from "../bodyArchive.ts"
import { exportStream } from "../exportStream.ts"
import { single } from "../single.ts"

/** Every option at its default. */
const checkpointDefaults = optionValues(CheckpointFlags)
const restoreDefaults = optionValues(RestoreFlags)

/** Stands for the body in the flags, where a command line names a file. */
const body = "-"

/** libpod's remote archives are not compressed. */
const wireCompression = "none"

/** The options of a checkpoint, as a query has them. */
export const checkpointOf = (
  name: string,
  { export: exporting = false, ...given }: Partial<Omit<CheckpointFlags, "export">> & { readonly export?: boolean },
) => {
  const flags = { ...checkpointDefaults, compress: wireCompression, ...given, export: exporting ? body : "" }
  const names = new Set(Object.keys(given) as Array<keyof typeof given>)
  return Effect.map(Effect.fromResult(checkpointRequest(flags, [name], names)), ({ options }) => ({
    options,
    printStats: flags.printStats,
  }))
}

export const checkpointHandlers = (engine: ContainerEngine["Service"], scope: Scope.Scope) => ({
  checkpoint: HttpApiBuilder.handler(LibpodApi, "containers", "checkpoint", ({ params, query }) =>
    Effect.gen(function* () {
      const { options, printStats } = yield* checkpointOf(params.name, query)
      const selection = Selection.names(params.name)
      if (options.target._tag === "Archive") {
        const { target } = options
        return yield* exportStream(scope, (destination) =>
          Effect.flatMap(engine.checkpoint(selection, { ...options, target: { ...target, destination } }), single),
        )
      }
      const report = yield* single(yield* engine.checkpoint(selection, options))
      if (report === undefined) return yield* Effect.die("a checkpoint without a report")
      return printStats ? report : { ...report, criu_statistics: null }
    }),
  ),
  restore: HttpApiBuilder.handler(LibpodApi, "containers", "restore", ({ params, payload, query }) =>
    Effect.gen(function* () {
      const { import: importing = false, importLength, runtime: name, ...given } = query
      const flags = {
        ...restoreDefaults,
        ...given,
        // libpod takes one text with spaces, and its own clients send several
        publish: (given.publish ?? []).flatMap((text) => text.split(/\s+/).filter((port) => port !== "")),
        import: importing ? body : "",
      }
      const { options, source } = yield* Effect.fromResult(restoreRequest(flags, importing ? [] : [params.name]))
      const runtime = yield* Effect.fromResult(insistedRuntime(name))
      const report = yield* Effect.scoped(
        Effect.gen(function* () {
          const from = importing ? yield* archivesIn(payload, importLength) : source
          return yield* single(yield* engine.restore(from, { ...options, ...runtime }))
        }),
      )
      if (report === undefined) return yield* Effect.die("a restore without a report")
      return flags.printStats ? report : { ...report, criu_statistics: null }
    }),
  ),
})

/** The archive of a body, and that of the pre-checkpoint behind it. */
const archivesIn = <E>(body: Stream.Stream<Uint8Array, E>, length: number | undefined) =>
  length === undefined
    ? Effect.succeed({ _tag: "Archive", archive: bodyArchive(body) } as const)
    : Effect.map(bodyArchives(body, length), ([archive, previous]) => ({ _tag: "Archive", archive, previous }) as const)
