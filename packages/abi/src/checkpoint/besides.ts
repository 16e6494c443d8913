/**
 * Programs that `exec` runs beside a container's own.
 *
 * CRIU takes the processes below the first one of a container; those of sessions are children of the host's, and no restore
 * could connect them again to whoever listens. Podman lets them end without a word (podman#19325).
 */
import { Layout } from "@cryopod/host"
import * as Effect from "effect/Effect"
import { liveSessions } from "../exec/sessions.ts"
import type { Plan } from "./preflight.ts"

/** A sentence about each session that the checkpoint will not have. */
export const besides = Effect.fn("checkpoint.besides")(function* ({ options, record }: Plan) {
  const sessions = yield* liveSessions((yield* Layout).container(record.id))
  const fate = options.leaveRunning ? "goes on without being part of" : "ends with"
  return sessions.map(
    ({ command, id }) =>
      `exec session ${id.slice(0, 12)} of ${record.name} (${command.join(" ")}) ${fate} the checkpoint`,
  )
})
