/** Every endpoint of containers, by what it is about. */
import { ContainerEngine } from "@cryopod/entities"
import { LibpodApi } from "@cryopod/rest"
import * as Effect from "effect/Effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { makeRuns } from "../sessions/Runs.ts"
import type { Terminals } from "../sessions/Terminals.ts"
import { attachHandlers } from "./attachHandlers.ts"
import { checkpointHandlers } from "./checkpointHandlers.ts"
import { lifecycleHandlers } from "./lifecycleHandlers.ts"
import { logHandlers } from "./logHandlers.ts"
import { removalHandlers } from "./removalHandlers.ts"
import { viewHandlers } from "./viewHandlers.ts"

export const containerHandlers = (terminals: Terminals) =>
  HttpApiBuilder.group(LibpodApi, "containers", (handlers) =>
    Effect.gen(function* () {
      const engine = yield* ContainerEngine
      const runs = yield* makeRuns(engine)
      const scope = yield* Effect.scope
      return handlers.handleAll({
        ...lifecycleHandlers(engine, runs),
        ...removalHandlers(engine),
        ...viewHandlers(engine),
        ...logHandlers(engine),
        ...attachHandlers(engine, runs, terminals),
        ...checkpointHandlers(engine, scope),
      })
    }),
  )
