/**
 * Start a container and stay with it until it stops.
 *
 * What it says is held before its lock is let go: a container that removes itself as soon as it has stopped is heard to its end
 * all the same.
 */
import * as fs from "node:fs"
import type { AttachStreams } from "@cryopod/entities"
import { attempt, Layout } from "@cryopod/host"
import * as Effect from "effect/Effect"
import { followRun, presentRun } from "./attach.ts"
import { within } from "./ContainerScope.ts"
import { start } from "./start.ts"

export const startAttached = Effect.fn("Container.startAttached")(function* (
  id: string,
  streams: AttachStreams,
  begun: Effect.Effect<void>,
) {
  const { log: path } = (yield* Layout).container(id)
  const opened = attempt("open", path, () => fs.promises.open(path, "r"))
  const run = yield* Effect.acquireRelease(
    within(id, (record) =>
      Effect.gen(function* () {
        yield* start(record)
        return { ...(yield* presentRun(id)), log: yield* opened }
      }),
    ),
    ({ log }) => Effect.promise(() => log.close()),
    { interruptible: true },
  )
  yield* begun
  return yield* followRun(run, streams)
}, Effect.scoped)
