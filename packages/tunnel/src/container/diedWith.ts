/** How a container of Podman's ended that is gone: its service tells of that among its events alone (`podman --remote run`). */
import type { HostFailure } from "@cryopod/entities"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { ask, type Remote, textOnly } from "../Remote.ts"

/** Undefined when it keeps no events. */
export const diedWith = (remote: Remote, id: string): Effect.Effect<number | undefined, HostFailure> => {
  const filters = JSON.stringify({ container: [id], event: ["died"] })
  const answer = remote.http
    .get("/libpod/events", { urlParams: { stream: "false", filters } })
    .pipe(Effect.flatMap((response) => Effect.map(response.text, (text) => ({ status: response.status, text }))))
  return Effect.flatMap(ask(remote, answer), ({ status, text }) => {
    if (status !== 200) return Effect.fail(textOnly(text, status))
    const last = text.split("\n").findLast((line) => line !== "")
    return Effect.sync(() =>
      last === undefined ? undefined : Number(decodeEvent(last).Actor.Attributes.containerExitCode),
    )
  })
}

/** libpod's event, a line of JSON each (podman `pkg/domain/entities/events.go`, ConvertToEntitiesEvent). */
const decodeEvent = Schema.decodeUnknownSync(
  Schema.fromJsonString(
    Schema.Struct({ Actor: Schema.Struct({ Attributes: Schema.Struct({ containerExitCode: Schema.String }) }) }),
  ),
)
