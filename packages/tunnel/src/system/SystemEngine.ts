/** The host of a service behind the interface that every engine has. */
import type { SystemEngineShape } from "@cryopod/entities"
import * as Effect from "effect/Effect"
import { ask, onlyOurs, type Remote } from "../Remote.ts"
import { inspect, onContainer } from "../container/select.ts"

export const systemEngine = (remote: Remote): SystemEngineShape => ({
  info: ask(remote, remote.system.info()),
  check: ({ deep }) =>
    Effect.andThen(
      onlyOurs(remote, { "looking whether its host can checkpoint": true }),
      ask(remote, remote.system.check({ query: { deep } })),
    ),
  cleanup: (ref) =>
    remote.kind === "cryopod"
      ? onContainer(ref, (params) => ask(remote, remote.system.cleanup({ params })))
      : // Podman's conmon calls its own engine; who looks at a container finds its record in order
        Effect.asVoid(inspect(remote, ref)),
})
