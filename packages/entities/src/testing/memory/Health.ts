/** Health checks of containers in memory: asked for, and at intervals. */
import * as DateTime from "effect/DateTime"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { HealthcheckRefused } from "../../failures/ContainerFailures.ts"
import { healthAfter, healthCommand, type HealthCheck, type HealthResults } from "../../values/HealthCheck.ts"
import { machineOf } from "./MemoryConfig.ts"
import { type MemoryContainer, touch } from "./MemoryHost.ts"
import { startProcess } from "./Process.ts"
import { programOf } from "./Shell.ts"

export const checkHealth = Effect.fnUntraced(function* (
  container: MemoryContainer,
): Effect.fn.Return<HealthResults, HealthcheckRefused> {
  const { config, id, state } = container
  const { health } = config
  if (state.status !== "running") return yield* new HealthcheckRefused({ id, reason: "is not running" })
  if (health === undefined) return yield* new HealthcheckRefused({ id, reason: "has no defined healthcheck" })
  const began = yield* DateTime.now
  const heard: Array<string> = []
  const code = yield* Effect.scoped(answerOf(container, health, heard)).pipe(
    Effect.timeoutOption(`${health.timeoutMillis} millis`),
  )
  const entry = {
    Start: DateTime.formatIso(began),
    End: DateTime.formatIso(yield* DateTime.now),
    ExitCode: Option.getOrElse(code, () => -1),
    Output: heard.join(""),
  }
  const counts = DateTime.toEpochMillis(began) >= Date.parse(state.startedAt ?? "") + health.startPeriodMillis
  container.health = healthAfter(container.health, entry, { counts, retries: health.retries })
  yield* touch(container)
  return container.health
})

const answerOf = Effect.fnUntraced(function* (container: MemoryContainer, health: HealthCheck, heard: Array<string>) {
  const machine = machineOf(container, () => undefined)
  const program = programOf(healthCommand(health), machine)
  if ("missing" in program) return 127
  const output = (_: string, text: string) => Effect.sync(() => void heard.push(text))
  return yield* Deferred.await((yield* startProcess(program, machine, { first: false, streams: { output } })).exit)
})

/** Again and again, for as long as the run goes on that this is forked into. */
export const checkAtIntervals = (container: MemoryContainer): Effect.Effect<void> => {
  const { health } = container.config
  if (health === undefined || health.intervalMillis === 0) return Effect.void
  return Effect.ignore(checkHealth(container)).pipe(
    Effect.andThen(Effect.sleep(`${health.intervalMillis} millis`)),
    Effect.forever,
  )
}
