/** The host of a service behind the interface that every engine has. */
import type { SystemEngineShape } from "@cryopod/entities"
import * as Effect from "effect/Effect"
import { ask, onlyOurs, type Remote } from "../Remote.ts"
import { inspect } from "../container/select.ts"

export const systemEngine = (remote: Remote): SystemEngineShape => ({
  info: ask(remote, remote.system.info()),
  check: ({ deep }) =>
    Effect.andThen(
      onlyOurs(remote, { "looking whether its host can checkpoint": true }),
      ask(remote, remote.system.check({ query: { deep } })),
    ),
  // the service's own conmon calls its own engine; who looks at a container finds its record in order
  cleanup: (ref) => Effect.asVoid(inspect(remote, ref)),
})
