/** `healthcheck run`: ask a container once whether it is well, and keep the answer. */
import { healthAfter, healthCommand, HealthcheckRefused, type HealthResults } from "@cryopod/entities"
import { Layout } from "@cryopod/host"
import type { ContainerRecord } from "@cryopod/runtime"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { exec } from "../exec/exec.ts"
import { healthResults, writeHealth } from "./healthResults.ts"

/** Exit code in the log of a check that took too long. */
const tooLong = -1

export const healthcheck = Effect.fn("Container.healthcheck")(function* (record: ContainerRecord) {
  const { config, id, state } = record
  const { health } = config
  if (state.status !== "running") return yield* new HealthcheckRefused({ id, reason: "is not running" })
  if (health === undefined) return yield* new HealthcheckRefused({ id, reason: "has no defined healthcheck" })
  const began = yield* DateTime.now
  const heard: Array<string> = []
  const asked = exec(
    record,
    {
      command: healthCommand(health),
      env: [],
      interactive: false,
      privileged: false,
      tty: false,
      user: "",
      workdir: "",
      purpose: "health",
    },
    { output: (_, content) => Effect.sync(() => void heard.push(Buffer.from(content).toString("utf8"))) },
  ).pipe(
    // a program that cannot be started is an answer, too
    Effect.catchTag("CommandNotStarted", (failure) =>
      Effect.sync(() => {
        heard.push(failure.message)
        return failure.exitStatus
      }),
    ),
  )
  const exitCode = Option.getOrElse(yield* Effect.timeoutOption(asked, `${health.timeoutMillis} millis`), () => tooLong)
  const paths = (yield* Layout).container(id)
  const ended = yield* DateTime.now
  const runs = Math.max(Date.parse(state.startedAt ?? ""), Date.parse(state.restoredAt ?? state.startedAt ?? ""))
  const results: HealthResults = healthAfter(
    healthResults(paths),
    { Start: DateTime.formatIso(began), End: DateTime.formatIso(ended), ExitCode: exitCode, Output: heard.join("") },
    { retries: health.retries, counts: DateTime.toEpochMillis(began) >= runs + health.startPeriodMillis },
  )
  yield* writeHealth(paths, results)
  return results
})
