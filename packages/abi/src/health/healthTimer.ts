/**
 * Health checks at intervals, without a daemon and without systemd: a small shell beside the container that runs
 * `healthcheck run` again and again.
 *
 * It goes on as long as its token is there, which goes with the other files of a run when the container has stopped. So every
 * start and every restore begins one, and none outlives its run by more than an interval.
 */
import { spawn } from "node:child_process"
import * as fs from "node:fs"
import { join } from "node:path"
import { beginningHealth } from "@cryopod/entities"
import { attemptSync, Layout, randomHex, Tools } from "@cryopod/host"
import type { ContainerRecord } from "@cryopod/runtime"
import * as Effect from "effect/Effect"
import { EngineDefaults } from "../EngineServices.ts"
import { writeHealth } from "./healthResults.ts"

/** The container runs, from the beginning or from where it was: what was found before counts in the second case only. */
export const beginHealth = Effect.fn("Container.beginHealth")(function* (
  { config, id }: ContainerRecord,
  from: "start" | "restore",
) {
  const { health } = config
  if (health === undefined) return
  const paths = (yield* Layout).container(id)
  if (from === "start" || !fs.existsSync(paths.health)) yield* writeHealth(paths, beginningHealth)
  if (health.intervalMillis === 0) return
  const { selfCommand } = yield* EngineDefaults
  const { environment } = yield* Tools
  const token = join(paths.run, `health-${randomHex(8)}`)
  yield* attemptSync("make", token, () => {
    fs.writeFileSync(token, "", { mode: 0o600 })
    const words = [token, String(health.intervalMillis / 1000), ...selfCommand, "healthcheck", "run", id]
    spawn("sh", ["-c", loop, ...words], { cwd: "/", detached: true, env: environment, stdio: "ignore" }).unref()
  })
})

/** `$0` is the token, `$1` the interval in seconds. */
const loop = 'interval=$1; shift; while [ -e "$0" ]; do "$@" >/dev/null 2>&1; sleep "$interval"; done'
