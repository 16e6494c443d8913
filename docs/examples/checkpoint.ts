/**
 * Freeze a running container into an image, from a program.
 *
 *   node --conditions=cryopod-source docs/examples/checkpoint.ts ROOT RUNROOT CONTAINER IMAGE
 */
import { defaultPrefix, localEngine } from "@cryopod/abi"
import { ContainerEngine, defaultCheckpoint, Selection } from "@cryopod/entities"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"

const [root = "", runroot = "", container = "", image = ""] = process.argv.slice(2)

const engine = localEngine({
  root,
  runroot,
  runtime: undefined,
  prefix: defaultPrefix,
  path: process.env["PATH"] ?? "",
  selfCommand: [],
  engineName: "example",
  engineVersion: "1",
})

const freeze = Effect.gen(function* () {
  const containers = yield* ContainerEngine
  const items = yield* containers.checkpoint(Selection.names(container), {
    ...defaultCheckpoint,
    target: { _tag: "Image", name: image },
  })
  for (const { input, result } of items) {
    console.log(input, Result.isSuccess(result) ? `→ ${image}` : result.failure.message)
  }
})

await Effect.runPromise(Effect.provide(freeze, engine))
