/** Staying with a container of Podman's, whichever of libpod's states it is found in. */
import { join } from "node:path"
import { expect, it } from "@effect/vitest"
import { ContainerEngine, CreateFlags, ImageEngine, optionValues, Selection } from "@cryopod/entities"
import { EngineMemory } from "@cryopod/entities/testing"
import { ContainerEngineTest } from "@cryopod/entities/testing/suite"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { describe } from "vitest"
import { tunnelEngine } from "../src/index.ts"
import { between, type Hand } from "./support/between.ts"
import { once, serving, temporaryDirectory } from "./support/overService.ts"

type State = Readonly<Record<string, unknown>>

/** Podman's service, as far as this is about it: it does not say that it is ours, and finds containers in this state. */
const asPodman =
  (state: () => State): Hand =>
  ({ url = "" }, answer, response) => {
    answer.headers.server = "Libpod/5.4.2 (linux)"
    if (!/\/containers\/\w+\/json/.test(url)) return "passes"
    let text = ""
    answer.on("data", (chunk: Buffer) => (text += chunk.toString()))
    answer.on("end", () => {
      const document = JSON.parse(text) as { readonly State: State }
      delete answer.headers["content-length"]
      response.writeHead(answer.statusCode ?? 500, answer.headers)
      response.end(JSON.stringify({ ...document, State: { ...document.State, ...state() } }))
    })
    return "taken"
  }

const attached = (state: State) =>
  Effect.gen(function* () {
    const directory = yield* temporaryDirectory
    const [behind, path] = [join(directory, "behind.sock"), join(directory, "podman.sock")]
    yield* serving(EngineMemory.layer(), { _tag: "Unix", path: behind })
    let told: State = {}
    yield* between(
      behind,
      path,
      asPodman(() => told),
    )
    return yield* Effect.gen(function* () {
      const engine = yield* ContainerEngine
      const image = yield* (yield* ImageEngine).import(
        { _tag: "Stream", bytes: ContainerEngineTest.rootfsWithoutPrograms() },
        { name: "base", changes: [], message: "" },
      )
      const flags = { ...optionValues(CreateFlags), name: "short", network: ["none"] }
      yield* engine.create({ ...flags, image, command: ["sh", "-c", "echo word; exit 3"] })
      yield* engine.start(Selection.names("short"))
      yield* engine.wait(Selection.names("short"), { ignore: false, intervalMillis: 10 })
      told = state
      let heard = ""
      const output = (_: string, content: Uint8Array) =>
        Effect.sync(() => void (heard += Buffer.from(content).toString()))
      const result = yield* Effect.result(engine.attach("short", { output }))
      return { heard, result }
    }).pipe(Effect.provide(once(tunnelEngine({ url: `unix://${path}` }))))
  })

describe("a container that has begun", () => {
  it.live.each(["running", "stopping", "stopped", "exited", "removing"])(
    "is heard to its end when it is %s",
    (status) =>
      Effect.gen(function* () {
        const { heard, result } = yield* attached({ Status: status, Running: status === "running" })
        expect([heard, result]).toEqual(["word\n", Result.succeed(3)])
      }),
  )
})

describe("a container that does not go on", () => {
  const never = "0001-01-01T00:00:00Z"
  it.live.each([
    { Status: "created", Running: false, StartedAt: never },
    { Status: "initialized", Running: false, StartedAt: never },
    { Status: "paused", Running: false, Paused: true },
  ])("is refused when it is $Status", (state) =>
    Effect.gen(function* () {
      const { heard, result } = yield* attached(state)
      expect(heard).toBe("")
      expect(Result.isFailure(result) && result.failure).toMatchObject({
        _tag: "ContainerStateImproper",
        state: state.Status,
      })
    }),
  )
})
