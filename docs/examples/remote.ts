/**
 * Take a checkpoint of a container of another host into a file of this one, from a program.
 *
 *   node --conditions=cryopod-source docs/examples/remote.ts URL CONTAINER FILE
 */
import { ContainerEngine, defaultCheckpoint, Selection } from "@cryopod/entities"
import { tunnelEngine } from "@cryopod/tunnel"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"

const [url = "", container = "", file = ""] = process.argv.slice(2)

const fetchCheckpoint = Effect.gen(function* () {
  const containers = yield* ContainerEngine
  const items = yield* containers.checkpoint(Selection.names(container), {
    ...defaultCheckpoint,
    leaveRunning: true,
    target: {
      _tag: "Archive",
      destination: { _tag: "File", path: file },
      compression: "zstd",
      ignoreRootfs: false,
      ignoreVolumes: false,
    },
  })
  for (const { input, result } of items) {
    console.log(input, Result.isSuccess(result) ? `→ ${file}` : result.failure.message)
  }
})

await Effect.runPromise(Effect.provide(fetchCheckpoint, tunnelEngine({ url })))
