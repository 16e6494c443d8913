/** Looks into checkpoints: what is in them, what differs, and that nothing is said of what is not there. */
import { existsSync, mkdirSync } from "node:fs"
import { join } from "node:path"
import { expect } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { CheckpointEngine, type CheckpointSource, type MemorySearch } from "../../../CheckpointEngine.ts"
import { ContainerEngine } from "../../../ContainerEngine.ts"
import { ImageEngine } from "../../../ImageEngine.ts"
import { defaultCheckpoint } from "../../../options/CheckpointOptions.ts"
import { defaultRestore } from "../../../options/RestoreOptions.ts"
import {
  Bench,
  beyond,
  discard,
  discardImageLater,
  failureOf,
  inside,
  numbers,
  one,
  running,
  unique,
} from "../Bench.ts"
import type { Case } from "../Case.ts"
import { archive, checkpointing } from "./checkpoints.ts"

const named = (ref: string): CheckpointSource => ({ _tag: "Named", ref })
const file = (path: string): CheckpointSource => ({ _tag: "Archive", archive: { _tag: "File", path } })
const quietly = { environment: false }

/** A word that nothing else has. */
const secret = "SECRET=xyzzy-4711"

const frozen = Effect.fnUntraced(function* (options: Parameters<typeof running>[0] = {}) {
  const name = unique("seen")
  const id = yield* running({ name, env: [secret], ...options })
  yield* beyond(id, 1)
  return { name, id }
})

const searched = (source: CheckpointSource, pattern: MemorySearch["pattern"], more: Partial<MemorySearch> = {}) =>
  Effect.flatMap(CheckpointEngine, (engine) =>
    Stream.runCollect(engine.search(source, { pattern, contextBytes: 0, ...more })),
  )

export const views: ReadonlyArray<Case> = [
  {
    name: "a checkpoint is seen with its processes, files and sizes, where it lies",
    needs: ["archives"],
    run: Effect.gen(function* () {
      const engine = yield* CheckpointEngine
      const { directory } = yield* Bench
      const { id, name } = yield* frozen({ label: ["shown=yes"] })
      yield* inside(id, "echo changed > /etc/motd")
      const path = join(directory, unique("seen"))
      const image = unique("seen-image")
      yield* discardImageLater(image)
      one(yield* checkpointing(id, { target: archive(path), leaveRunning: true }))
      one(yield* checkpointing(id, { target: { _tag: "Image", name: image } }))
      for (const [source, kind] of [
        [named(name), "container"],
        [named(image), "image"],
        [file(path), "archive"],
      ] as const) {
        const seen = yield* engine.inspect(source, quietly)
        expect(seen).toMatchObject({ kind, origin: "here", container: { id, name }, labels: { shown: "yes" } })
        const [first] = seen.processes
        expect(first).toMatchObject({ pid: 1, parent: 0, state: "alive" })
        expect(first?.environment).toBeUndefined()
        expect(first?.arguments.length).toBeGreaterThan(0)
        expect(first?.memoryBytes).toBeGreaterThan(0)
        expect(first?.mappings.length).toBeGreaterThan(0)
        expect(first?.files).toContainEqual({ fd: "cwd", type: "", path: "/" })
        expect(seen.rootfs.changed).toContain("/etc/motd")
        expect(seen.sizes.total).toBeGreaterThan(0)
        const [open] = (yield* engine.inspect(source, { environment: true })).processes
        expect(open?.environment).toContain(secret)
      }
    }),
  },
  {
    name: "checkpoints are listed: those of containers, images, and archives of directories",
    needs: ["archives"],
    run: Effect.gen(function* () {
      const engine = yield* CheckpointEngine
      const { directory } = yield* Bench
      const { id, name } = yield* frozen()
      const archives = join(directory, unique("archives"))
      mkdirSync(archives)
      const path = join(archives, "one.tar")
      one(yield* checkpointing(id, { target: archive(path), leaveRunning: true }))
      one(yield* checkpointing(id))
      const rows = yield* engine.list([archives])
      expect(rows).toContainEqual(expect.objectContaining({ kind: "container", source: name, containerId: id }))
      expect(rows).toContainEqual(expect.objectContaining({ kind: "archive", source: path, container: name }))
    }),
  },
  {
    name: "text and expressions are found in memory, with address and what stands around",
    run: Effect.gen(function* () {
      const { id, name } = yield* frozen()
      one(yield* checkpointing(id))
      const found = yield* searched(named(name), { _tag: "Text", pattern: secret }, { contextBytes: 3 })
      expect(found.length).toBeGreaterThan(0)
      for (const { address, context, contextAddress, match } of found) {
        expect(Buffer.from(match, "hex").toString()).toBe(secret)
        expect(context).toContain(match)
        expect(BigInt(`0x${address}`) - BigInt(`0x${contextAddress}`)).toBe(3n)
      }
      const expression = { _tag: "Expression", pattern: "xyzzy-\\d+" } as const
      expect((yield* searched(named(name), expression, { pid: 1 })).length).toBe(
        found.filter(({ pid }) => pid === 1).length,
      )
      expect(yield* searched(named(name), { _tag: "Text", pattern: `${secret}0815` })).toEqual([])
      const broken = yield* failureOf(searched(named(name), { _tag: "Expression", pattern: "(" }))
      expect(broken._tag).toBe("OptionInvalid")
    }),
  },
  {
    name: "the memory of a process is given with its addresses",
    run: Effect.gen(function* () {
      const engine = yield* CheckpointEngine
      const { id, name } = yield* frozen()
      one(yield* checkpointing(id))
      const pieces = yield* Stream.runCollect(
        Stream.map(engine.memory(named(name), { pid: 1 }), ({ address, content }) => ({
          address,
          content: Buffer.from(content),
        })),
      )
      const [first] = (yield* engine.inspect(named(name), quietly)).processes
      expect(pieces.reduce((sum, { content }) => sum + content.length, 0)).toBe(first?.memoryBytes)
      const [found] = yield* searched(named(name), { _tag: "Text", pattern: secret })
      const at = BigInt(`0x${found?.address}`)
      const piece = pieces.find(({ address, content }) => address <= at && at < address + BigInt(content.length))
      const offset = Number(at - (piece?.address ?? 0n))
      expect(piece?.content.subarray(offset, offset + secret.length).toString()).toBe(secret)
    }),
  },
  {
    name: "what differs from one checkpoint to another is told",
    run: Effect.gen(function* () {
      const engine = yield* CheckpointEngine
      const { id } = yield* frozen()
      const [before, after] = [unique("before"), unique("after")]
      yield* discardImageLater(before, after)
      one(yield* checkpointing(id, { target: { _tag: "Image", name: before }, leaveRunning: true }))
      yield* inside(id, "echo added > /etc/added")
      one(yield* checkpointing(id, { target: { _tag: "Image", name: after } }))
      const options = { environment: false, unchanged: false }
      const found = yield* engine.diff(named(before), named(after), options)
      expect(found.rootfs).toContainEqual({ change: "added", path: "/etc/added" })
      const same = yield* engine.diff(named(before), named(before), options)
      expect(same).toMatchObject({ processes: [], sockets: [], rootfs: [] })
      const whole = yield* engine.diff(named(before), named(before), { environment: true, unchanged: true })
      expect(whole.processes[0]).toMatchObject({ change: "same", memory: { different: 0 } })
    }),
  },
  {
    name: "whether a container would be frozen is told with what stands in the way, and nothing is changed by it",
    run: Effect.gen(function* () {
      const engine = yield* CheckpointEngine
      const { directory } = yield* Bench
      const name = unique("planned")
      const image = unique("planned-image")
      const id = yield* running({ name, command: ["hold", "lock"] })
      yield* beyond(id, 0)
      const refused = yield* engine.plan(name, defaultCheckpoint)
      expect(refused).toMatchObject({ id, container: name, destination: "container", freezes: false })
      const stood = refused.findings.filter(({ status }) => status === "no")
      expect(stood.map(({ aspect }) => aspect)).toEqual(["fileLocks"])
      expect(stood[0]?.remedy).not.toBe("")
      const wanted = { ...defaultCheckpoint, fileLocks: true }
      const asImage = yield* engine.plan(name, { ...wanted, target: { _tag: "Image", name: image } })
      expect(asImage).toMatchObject({ freezes: true, destination: `localhost/${image}:latest` })
      expect(asImage.processes).toBeGreaterThan(0)
      expect(asImage.memoryBytes).toBeGreaterThan(0)
      const path = join(directory, unique("planned-archive"))
      expect(yield* engine.plan(name, { ...wanted, target: archive(path) })).toMatchObject({
        freezes: true,
        destination: path,
      })
      expect(existsSync(path)).toBe(false)
      expect(yield* (yield* ImageEngine).exists(image)).toBe(false)
      yield* beyond(id, (yield* numbers(id)).length)
      one(yield* checkpointing(id, { fileLocks: true }))
      const stopped = yield* engine.plan(name, wanted)
      expect(stopped).toMatchObject({ freezes: false, processes: 0 })
      expect(stopped.findings).toContainEqual(expect.objectContaining({ aspect: "state", status: "no" }))
      expect((yield* failureOf(engine.plan(unique("nobody"), wanted)))._tag).toBe("ContainerNotFound")
    }),
  },
  {
    name: "whether a checkpoint would thaw here is told with what stands in the way, and nothing is changed by it",
    needs: ["archives"],
    run: Effect.gen(function* () {
      const engine = yield* CheckpointEngine
      const containers = yield* ContainerEngine
      const { directory } = yield* Bench
      const { id, name } = yield* frozen()
      const path = join(directory, unique("checked"))
      one(yield* checkpointing(id, { target: archive(path) }))
      const inPlace = yield* engine.check(named(name), defaultRestore)
      expect(inPlace).toMatchObject({ kind: "container", container: name, thaws: true })
      const taken = yield* engine.check(file(path), defaultRestore)
      expect(taken).toMatchObject({ kind: "archive", thaws: false })
      expect(taken.findings).toContainEqual(expect.objectContaining({ aspect: "name", status: "no" }))
      const other = unique("other")
      const renamed = yield* engine.check(file(path), { ...defaultRestore, name: other })
      expect(renamed).toMatchObject({ container: other, thaws: true })
      expect(yield* containers.exists(other)).toBe(false)
      const [refused] = yield* containers.restore({ _tag: "Archive", archive: { _tag: "File", path } }, defaultRestore)
      expect(refused?.result._tag).toBe("Failure")
      // who insists where nothing is wrong changes nothing
      const insisting = { ...defaultRestore, name: other, force: ["memory" as const] }
      one(yield* containers.restore({ _tag: "Archive", archive: { _tag: "File", path } }, insisting))
      yield* discard(other)
    }),
  },
  {
    name: "what is no checkpoint is not looked into",
    run: Effect.gen(function* () {
      const engine = yield* CheckpointEngine
      const { image } = yield* Bench
      const { id, name } = yield* frozen()
      const tagOf = (ref: string) => Effect.map(failureOf(engine.inspect(named(ref), quietly)), ({ _tag }) => _tag)
      expect(yield* tagOf(name)).toBe("CheckpointMissing")
      expect(yield* tagOf(unique("nobody"))).toBe("NoSuchContainerOrImage")
      expect(yield* tagOf(image)).toBe("NotACheckpoint")
      one(yield* checkpointing(id))
      const missing = yield* failureOf(Stream.runDrain(engine.memory(named(name), { pid: 4_000_000 })))
      expect(missing._tag).toBe("ProcessNotFound")
      yield* discard(id)
    }),
  },
]
