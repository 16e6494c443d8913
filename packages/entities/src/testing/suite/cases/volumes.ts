/** Volumes: made, found, looked at, removed. */
import { expect } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { VolumeCreateFlags } from "../../../options/VolumeOptions.ts"
import { VolumeInspect } from "../../../reports/VolumeReports.ts"
import { VolumeEngine } from "../../../VolumeEngine.ts"
import { failureOf, one, refusal, unique } from "../Bench.ts"
import type { Case } from "../Case.ts"
import { optionValues } from "../../../Option.ts"

const defaults = optionValues(VolumeCreateFlags)
const gently = { force: false, timeSeconds: 0 }

const discard = (name: string) =>
  Effect.flatMap(VolumeEngine, (engine) =>
    engine.remove({ _tag: "Names", names: [name] }, { force: true, timeSeconds: 0 }),
  ).pipe(Effect.orDie)

const made = Effect.fnUntraced(function* (options: Partial<VolumeCreateFlags> = {}, name = unique("volume")) {
  const engine = yield* VolumeEngine
  return yield* Effect.acquireRelease(engine.create({ ...defaults, name, ...options }), discard)
})

export const volumes: ReadonlyArray<Case> = [
  {
    name: "a volume is made with labels and options, and shown with them",
    run: Effect.gen(function* () {
      const engine = yield* VolumeEngine
      const name = yield* made({ label: ["tier=front", "bare"], opt: ["type=tmpfs", "device=tmpfs"], driver: "local" })
      const shown = yield* engine.inspect(name)
      const encoded = JSON.parse(JSON.stringify(shown)) as unknown
      expect(Schema.decodeUnknownSync(VolumeInspect)(encoded)).toEqual(encoded)
      expect(shown).toMatchObject({
        Name: name,
        Driver: "local",
        Labels: { tier: "front", bare: "" },
        Options: { type: "tmpfs", device: "tmpfs" },
      })
      expect(yield* engine.exists(name)).toBe(true)
      expect(yield* made({}, "")).toMatch(/^[0-9a-f]{64}$/)
    }),
  },
  {
    name: "a volume is refused for its name, its driver, or one that is there already, unless that is fine",
    run: Effect.gen(function* () {
      const engine = yield* VolumeEngine
      const name = yield* made()
      expect((yield* failureOf(engine.create({ ...defaults, name }))).message).toBe(
        `volume with name ${name} already exists: volume already exists`,
      )
      expect(yield* engine.create({ ...defaults, name, ignore: true })).toBe(name)
      expect((yield* failureOf(engine.create({ ...defaults, name: "a/b" })))._tag).toBe("VolumeNameInvalid")
      expect((yield* failureOf(engine.create({ ...defaults, name: unique("x"), driver: "odd" })))._tag).toBe(
        "VolumeOptionInvalid",
      )
    }),
  },
  {
    name: "volumes are listed in the order of their making, and filtered",
    run: Effect.gen(function* () {
      const engine = yield* VolumeEngine
      const mark = unique("mark")
      const first = yield* made({ label: [`mark=${mark}`] })
      const second = yield* made({ label: [`mark=${mark}`, "other"] })
      const names = Effect.fnUntraced(function* (...filter: ReadonlyArray<string>) {
        return (yield* engine.list({ filter })).map(({ Name }) => Name)
      })
      expect((yield* names()).filter((name) => [first, second].includes(name))).toEqual([first, second])
      expect(yield* names(`label=mark=${mark}`)).toEqual([first, second])
      expect(yield* names(`label=mark=${mark}`, "label=other")).toEqual([second])
      expect(yield* names(`name=${first}`)).toEqual([first])
      expect(yield* names(`name=${first}`, "dangling=true")).toEqual([first])
      expect((yield* failureOf(engine.list({ filter: ["colour=blue"] })))._tag).toBe("VolumeFilterInvalid")
    }),
  },
  {
    name: "removing answers for each volume, in order",
    run: Effect.gen(function* () {
      const engine = yield* VolumeEngine
      const name = yield* made()
      const selection = { _tag: "Names", names: ["nobody-here", name] } as const
      expect((yield* engine.remove(selection, gently)).map(({ input, result }) => [input, result._tag])).toEqual([
        ["nobody-here", "Failure"],
        [name, "Success"],
      ])
      expect(yield* engine.exists(name)).toBe(false)
      expect(refusal(yield* engine.remove({ _tag: "Names", names: [name] }, gently)).message).toBe(
        `no volume with name "${name}" found: no such volume`,
      )
      expect(yield* engine.remove({ _tag: "Names", names: [name] }, { force: true, timeSeconds: 1 })).toEqual([])
    }),
  },
  {
    name: "volumes that nobody uses are pruned, and all are removed",
    run: Effect.gen(function* () {
      const engine = yield* VolumeEngine
      const mark = unique("mark")
      const [first, second] = [yield* made({ label: [mark] }), yield* made()]
      expect(one(yield* engine.prune({ filter: [`label=${mark}`] }))).toBe(first)
      expect(yield* engine.exists(second)).toBe(true)
      const items = yield* engine.remove({ _tag: "All" }, gently)
      expect(items.map(({ input }) => input)).toContain(second)
      expect(yield* engine.list({ filter: [] })).toEqual([])
    }),
  },
]
