/** What an engine tells of its host. */
import { expect } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { ContainerEngine } from "../../../ContainerEngine.ts"
import { SystemCheck, SystemInfo } from "../../../reports/SystemReports.ts"
import { SystemEngine } from "../../../SystemEngine.ts"
import { created, failureOf, running, unique } from "../Bench.ts"
import type { Case } from "../Case.ts"

export const system: ReadonlyArray<Case> = [
  {
    name: "an engine counts what it has, and names its runtime",
    run: Effect.gen(function* () {
      const engine = yield* SystemEngine
      const before = yield* engine.info
      const encoded = JSON.parse(JSON.stringify(before)) as unknown
      expect(Schema.decodeUnknownSync(SystemInfo)(encoded)).toEqual(encoded)
      const id = yield* running()
      yield* created()
      const { host, store } = yield* engine.info
      const { number, running: run, stopped } = before.store.containerStore
      expect(store.containerStore).toMatchObject({ number: number + 2, running: run + 1, stopped: stopped + 1 })
      expect(store.imageStore.number).toBeGreaterThan(0)
      expect(host.ociRuntime.name).toBe((yield* (yield* ContainerEngine).inspect(id)).OCIRuntime)
    }),
  },
  {
    name: "an engine says whether its host can checkpoint and restore, and looks deeper on request",
    run: Effect.gen(function* () {
      const engine = yield* SystemEngine
      const shallow = yield* engine.check({ deep: false })
      const deep = yield* engine.check({ deep: true })
      for (const found of [shallow, deep]) {
        const encoded = JSON.parse(JSON.stringify(found)) as unknown
        expect(Schema.decodeUnknownSync(SystemCheck)(encoded)).toEqual(encoded)
        expect(found.fit).toBe(true)
      }
      expect(shallow.state).toBeUndefined()
      expect(deep.state).toEqual([])
    }),
  },
  {
    name: "putting the record of a container in order changes nothing of one that runs",
    run: Effect.gen(function* () {
      const engine = yield* SystemEngine
      const id = yield* running()
      yield* engine.cleanup(id)
      expect((yield* (yield* ContainerEngine).inspect(id)).State.Status).toBe("running")
      expect((yield* failureOf(engine.cleanup(unique("nobody"))))._tag).toBe("ContainerNotFound")
    }),
  },
]
