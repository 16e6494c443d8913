/** The local system engine: what this host has and whether it can checkpoint and restore. */
import * as os from "node:os"
import {
  type ContainerFailure,
  type HostFailure,
  type StateFinding,
  SystemEngine,
  type SystemCheck,
  type RuntimeName,
} from "@cryopod/entities"
import { Layout, Tools } from "@cryopod/host"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { hostFindings, hostFit } from "./HostFindings.ts"
import { readHost } from "./HostReading.ts"
import { Probes } from "./Probes.ts"
import { type Counts, defaultRuntime, systemInfo } from "./SystemInfo.ts"
import { askTools, criuCheck, toolFindings, toolsFit } from "./ToolFindings.ts"

/** What an engine is told once. */
export interface SystemEngineParts {
  /** Version of this engine. */
  readonly version: string
  /** Runtime of new containers; the best of this host when absent. */
  readonly runtime?: RuntimeName
  readonly counts: Effect.Effect<Counts, HostFailure>
  readonly cleanup: (ref: string) => Effect.Effect<void, ContainerFailure>
  /** What is wrong with the engine's state. */
  readonly state: Effect.Effect<ReadonlyArray<StateFinding>, HostFailure>
}

/** What the engine cannot know of containers and images comes in as `parts`. */
export const systemEngineLayer = (
  parts: SystemEngineParts,
): Layer.Layer<SystemEngine, never, Tools | Layout | Probes> =>
  Layer.effect(
    SystemEngine,
    Effect.gen(function* () {
      const context = Context.pick(Tools, Layout, Probes)(yield* Effect.context<Tools | Layout | Probes>())
      return SystemEngine.of({
        info: parts.counts.pipe(
          Effect.flatMap(
            Effect.fnUntraced(function* (counts) {
              return yield* systemInfo(
                { version: parts.version, runtime: parts.runtime ?? (yield* defaultRuntime) },
                counts,
              )
            }),
          ),
          Effect.provideContext(context),
          Effect.withSpan("SystemEngine.info"),
        ),
        check: Effect.fn("SystemEngine.check")(function* ({ deep }) {
          const found = yield* Effect.provideContext(systemCheck, context)
          return deep ? { ...found, state: yield* parts.state } : found
        }),
        cleanup: parts.cleanup,
      })
    }),
  )

/** Ask every program and read the host; nothing is changed by it. */
export const systemCheck: Effect.Effect<SystemCheck, HostFailure, Tools | Layout | Probes> = Effect.gen(function* () {
  const { answers, checked, reading } = yield* Effect.all(
    { answers: askTools(), checked: criuCheck(), reading: readHost() },
    { concurrency: "unbounded" },
  )
  const tools = toolFindings(answers, {
    kernelRelease: os.release(),
    hybridControllers: reading.hybridControllers,
    root: reading.uid === 0,
    ...(checked === undefined ? {} : { criuCheck: checked }),
  })
  const host = hostFindings(reading)
  return { fit: toolsFit(tools) && hostFit(host), tools, host }
})
