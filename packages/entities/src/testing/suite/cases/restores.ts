/** Restores: a container goes on where it left off, in place, from an image, from an archive. */
import { createReadStream, writeFileSync } from "node:fs"
import { join } from "node:path"
import { expect } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import { CheckpointEngine } from "../../../CheckpointEngine.ts"
import { ContainerEngine } from "../../../ContainerEngine.ts"
import { StorageFailed } from "../../../failures/HostFailures.ts"
import { ImageEngine } from "../../../ImageEngine.ts"
import { defaultCheckpoint } from "../../../options/CheckpointOptions.ts"
import { defaultRestore, type RestoreOptions } from "../../../options/RestoreOptions.ts"
import { Selection } from "../../../Selection.ts"
import { defaultRestorePolicy } from "../../../values/RestorePolicy.ts"
import {
  Bench,
  beyond,
  created,
  discard,
  discardImageLater,
  discardLater,
  eventually,
  expectNoGap,
  inside,
  numbers,
  one,
  refusal,
  running,
  statusOf,
  unique,
} from "../Bench.ts"
import type { Case } from "../Case.ts"
import { archive, checkpointing } from "./checkpoints.ts"

const restoring = (ref: string, options: Partial<RestoreOptions> = {}) =>
  Effect.flatMap(ContainerEngine, (engine) => engine.restore(Selection.names(ref), { ...defaultRestore, ...options }))

const importing = (path: string, options: Partial<RestoreOptions> = {}, previous?: string) =>
  Effect.flatMap(ContainerEngine, (engine) =>
    engine.restore(
      {
        _tag: "Archive",
        archive: { _tag: "File", path },
        ...(previous === undefined ? {} : { previous: { _tag: "File", path: previous } }),
      },
      { ...defaultRestore, ...options },
    ),
  )

/** A container frozen into an image, and gone. */
const frozen = Effect.fnUntraced(function* (options: Parameters<typeof running>[0] = {}, script = "true") {
  const image = unique("image")
  const id = yield* running(options)
  yield* beyond(id, 1)
  expect((yield* inside(id, script)).code).toBe(0)
  yield* discardImageLater(image)
  one(yield* checkpointing(id, { target: { _tag: "Image", name: image } }))
  const count = (yield* numbers(id)).length
  yield* discard(id)
  return { image, id, count }
})

export const restores: ReadonlyArray<Case> = [
  {
    name: "a container goes on in place, losing no line, under its id and with its files",
    run: Effect.gen(function* () {
      const engine = yield* ContainerEngine
      const id = yield* running()
      yield* beyond(id, 1)
      yield* inside(id, "echo kept > /etc/note; echo shared > /dev/shm/note")
      one(yield* checkpointing(id))
      const count = (yield* numbers(id)).length
      const report = one(yield* restoring(id))
      expect(report.Id).toBe(id)
      expect(report.runtime_restore_duration).toBeGreaterThan(0)
      expect(report.criu_statistics?.restore_time).toBeGreaterThan(0)
      yield* beyond(id, count)
      expectNoGap(yield* numbers(id))
      expect((yield* inside(id, "cat /etc/note /dev/shm/note")).stdout).toBe("kept\nshared\n")
      const { State } = yield* engine.inspect(id)
      expect(State).toMatchObject({ Status: "running", Checkpointed: false, Restored: true })
      expect([State.CheckpointPath, State.CheckpointLog, State.RestoreLog]).toEqual([undefined, undefined, undefined])
    }),
  },
  {
    name: "a checkpoint is used up by its restore unless it is to be kept",
    run: Effect.gen(function* () {
      const engine = yield* ContainerEngine
      const id = yield* running()
      yield* beyond(id, 0)
      one(yield* checkpointing(id))
      one(yield* restoring(id, { keep: true }))
      const { State } = yield* engine.inspect(id)
      expect(State.RestoreLog).toContain("userdata/restore.log")
      expect(State.CheckpointPath).toContain("userdata/checkpoint")
      yield* engine.stop(Selection.names(id), { ignore: false, timeSeconds: 0 })
      one(yield* restoring(id))
      yield* engine.stop(Selection.names(id), { ignore: false, timeSeconds: 0 })
      expect(refusal(yield* restoring(id)).message).toContain(
        "a complete checkpoint for this container cannot be found, cannot restore",
      )
    }),
  },
  {
    name: "what runs, what was never frozen, and what is not there are refused",
    run: Effect.gen(function* () {
      const id = yield* running()
      const idle = yield* created()
      expect(refusal(yield* restoring(id)).message).toBe(
        `container ${id} is running or paused, cannot restore: container state improper`,
      )
      expect(refusal(yield* restoring(idle))._tag).toBe("CheckpointMissing")
      expect(refusal(yield* restoring("nobody-here")).message).toBe("no such container or image: nobody-here")
      const { image } = yield* Bench
      expect(refusal(yield* restoring(image)).message).toMatch(/^image is not a checkpoint: /)
    }),
  },
  {
    name: "every frozen container is restored with all, the newest with latest",
    run: Effect.gen(function* () {
      const engine = yield* ContainerEngine
      const first = yield* running()
      const idle = yield* created()
      const second = yield* running()
      yield* engine.checkpoint(Selection.names(first, second), defaultCheckpoint)
      expect((yield* engine.restore(Selection.latest, defaultRestore)).map(({ input }) => input)).toEqual([second])
      const inputs = (yield* engine.restore(Selection.all, defaultRestore)).map(({ input }) => input)
      expect(inputs).toContain(first)
      expect(inputs).not.toContain(idle)
      expect([yield* statusOf(first), yield* statusOf(second)]).toEqual(["running", "running"])
    }),
  },
  {
    name: "a container goes on from an image after it is gone, with id, name, files, memory files and log",
    run: Effect.gen(function* () {
      const engine = yield* ContainerEngine
      const name = unique("again")
      const options = { name, env: ["COLOUR=blue"], hostname: "depot", label: ["tier=x"] }
      const script = "echo kept > /etc/note; rm /etc/issue; echo shared > /dev/shm/note"
      const { count, id, image } = yield* frozen(options, script)
      yield* discardLater(id)
      const items = yield* restoring(image)
      expect(items.map(({ input }) => input)).toEqual([image])
      expect(one(items).Id).toBe(id)
      yield* beyond(name, count)
      expectNoGap(yield* numbers(name))
      const checks = "cat /etc/note /dev/shm/note; hostname; echo $COLOUR; test -e /etc/issue && echo issue"
      expect((yield* inside(name, checks)).stdout).toBe("kept\nshared\ndepot\nblue\n")
      expect((yield* engine.inspect(name)).Config.Labels).toEqual({ tier: "x" })
    }),
  },
  {
    name: "an image is thawed as often as one likes, under new names and ids",
    run: Effect.gen(function* () {
      const { count, id, image } = yield* frozen()
      const ids = new Set([id])
      for (const name of [unique("copy"), unique("copy")]) {
        yield* discardLater(name)
        ids.add(one(yield* restoring(image, { name })).Id)
        yield* beyond(name, count)
      }
      expect(ids.size).toBe(3)
    }),
  },
  {
    name: "a name and an id that are taken are refused, and nothing is left of the attempt",
    run: Effect.gen(function* () {
      const engine = yield* ContainerEngine
      const { id, image } = yield* frozen()
      const taken = unique("taken")
      yield* created({ name: taken })
      const list = engine.list({ all: true, latest: false, filter: [], last: -1, external: false, size: false })
      const before = (yield* list).map(({ Id }) => Id)
      expect(refusal(yield* restoring(image, { name: taken }))._tag).toBe("NameInUse")
      expect(refusal(yield* restoring(image, { name: "a b" }))._tag).toBe("NameInvalid")
      expect((yield* list).map(({ Id }) => Id)).toEqual(before)
      yield* discardLater(id)
      one(yield* restoring(image))
      expect(refusal(yield* restoring(image))._tag).toBe("ContainerIdInUse")
    }),
  },
  {
    name: "several inputs are each restored from their own, with a report each, also after a failure",
    run: Effect.gen(function* () {
      const engine = yield* ContainerEngine
      const { image: plain } = yield* Bench
      const first = yield* frozen({ command: ["count", "1000"] })
      const second = yield* frozen({ command: ["count", "2000"] })
      const inPlace = yield* running({ command: ["count", "3000"] })
      yield* beyond(inPlace, 3000)
      one(yield* checkpointing(inPlace))
      yield* discardLater(first.id, second.id)
      const names = Selection.names(first.image, plain, inPlace, second.image)
      const items = yield* engine.restore(names, defaultRestore)
      expect(
        items.map(({ input, result }) => [input, Result.isSuccess(result) ? result.success.Id : result.failure._tag]),
      ).toEqual([
        [first.image, first.id],
        [plain, "NotACheckpoint"],
        [inPlace, inPlace],
        [second.image, second.id],
      ])
      for (const [id, from] of [
        [first.id, 1000],
        [second.id, 2000],
        [inPlace, 3000],
      ] as const) {
        const before = (yield* numbers(id)).length
        yield* beyond(id, from + before)
        const said = yield* numbers(id)
        expect(said).toEqual(said.map((_, at) => from + at))
      }
    }),
  },
  {
    name: "a container wins over an image of the same name",
    run: Effect.gen(function* () {
      const images = yield* ImageEngine
      const { image } = yield* frozen()
      const id = yield* running({ name: image })
      yield* beyond(id, 0)
      one(yield* checkpointing(id))
      expect(yield* images.exists(image)).toBe(true)
      expect(one(yield* restoring(image)).Id).toBe(id)
    }),
  },
  {
    name: "what only a new container can have is refused in place",
    run: Effect.gen(function* () {
      const id = yield* running()
      one(yield* checkpointing(id))
      const refused: ReadonlyArray<readonly [Partial<RestoreOptions>, string]> = [
        [{ name: "x" }, "--name"],
        [{ pod: "x" }, "--pod"],
        [{ publish: ["80:80"] }, "--publish"],
        [{ ignoreRootfs: true }, "--ignore-rootfs"],
        [{ ignoreVolumes: true }, "--ignore-volumes"],
      ]
      for (const [options, flag] of refused) {
        expect(refusal(yield* restoring(id, options)).message).toBe(`${flag} can only be used with image or --import`)
      }
      expect(one(yield* restoring(id)).Id).toBe(id)
    }),
  },
  {
    name: "a checkpoint is restored with the runtime that it needs, and refused when another one is insisted on",
    run: Effect.gen(function* () {
      const engine = yield* ContainerEngine
      const checkpoints = yield* CheckpointEngine
      const { id, image } = yield* frozen()
      yield* discardLater(id)
      const needed = (yield* engine.inspect(yield* created())).OCIRuntime === "crun" ? "crun" : "runc"
      const other = needed === "crun" ? "runc" : "crun"
      const mismatch = { _tag: "RuntimeMismatch", kind: "image", source: image, required: needed, given: other }
      expect(refusal(yield* restoring(image, { runtime: other }))).toMatchObject(mismatch)
      const seen = yield* checkpoints.check({ _tag: "Named", ref: image }, { ...defaultRestore, runtime: other })
      expect(seen.findings.filter(({ status }) => status !== "ok").map(({ aspect }) => aspect)).toEqual(["runtime"])
      one(yield* restoring(image, { runtime: needed }))
      // in place it has the one that it has
      one(yield* checkpointing(id))
      expect(one(yield* restoring(id, { runtime: other })).Id).toBe(id)
      expect((yield* engine.inspect(id)).OCIRuntime).toBe(needed)
    }),
  },
  {
    name: "with ignoreRootfs the changed files stay behind",
    run: Effect.gen(function* () {
      const { id, image } = yield* frozen({}, "echo kept > /etc/note; rm /etc/issue")
      yield* discardLater(id)
      one(yield* restoring(image, { ignoreRootfs: true }))
      expect((yield* inside(id, "test -e /etc/note || echo gone; test -e /etc/issue && echo back")).stdout).toBe(
        "gone\nback\n",
      )
    }),
  },
  {
    name: "a container without addresses and volumes is restored whatever is to be ignored of them",
    run: Effect.gen(function* () {
      const { count, id, image } = yield* frozen()
      yield* discardLater(id)
      one(yield* restoring(image, { ignoreStaticIp: true, ignoreStaticMac: true, ignoreVolumes: true }))
      yield* beyond(id, count)
    }),
  },
  {
    name: "health checks and the restart policy of a container go with it, and are at work again after a restore",
    run: Effect.gen(function* () {
      const engine = yield* ContainerEngine
      const health = { healthCmd: "cat /tmp/well", healthInterval: "200ms", healthRetries: 1 }
      const options = { ...health, healthStartPeriod: "0s", healthTimeout: "20s", restart: "always" }
      const { id, image } = yield* frozen(options)
      yield* discardLater(id)
      one(yield* restoring(image))
      const becomes = (status: string) =>
        eventually(
          `${id} to be ${status}`,
          Effect.map(engine.inspect(id), ({ State }) => (State.Health?.Status === status ? true : undefined)),
        )
      yield* becomes("unhealthy")
      yield* inside(id, "echo yes > /tmp/well")
      yield* becomes("healthy")
      // a checkpoint is no end that the policy has a say in, and the checks begin anew in place
      one(yield* checkpointing(id))
      yield* Effect.sleep("1 seconds")
      expect(yield* statusOf(id)).toBe("exited")
      one(yield* restoring(id))
      yield* inside(id, "rm /tmp/well")
      yield* becomes("unhealthy")
      expect((yield* engine.inspect(id)).HostConfig.RestartPolicy.Name).toBe("always")
    }),
  },
  {
    name: "what CRIU is told beyond the usual changes nothing for a container that has no use for it",
    run: Effect.gen(function* () {
      const id = yield* running()
      yield* beyond(id, 1)
      const told = { extUnixSk: true, shellJob: true, linkRemap: true, skipInFlight: true } as const
      one(yield* checkpointing(id, { ...told, ghostLimitBytes: 10 * 2 ** 20, networkLock: "skip" }))
      const count = (yield* numbers(id)).length
      one(yield* restoring(id, { extUnixSk: true, shellJob: true }))
      yield* beyond(id, count)
      expectNoGap(yield* numbers(id))
    }),
  },
  {
    name: "a lock that was frozen is restored only when told so",
    run: Effect.gen(function* () {
      const id = yield* running({ command: ["hold", "lock"] })
      yield* beyond(id, 0)
      one(yield* checkpointing(id, { fileLocks: true }))
      expect(refusal(yield* restoring(id))._tag).toBe("FileLocksRefused")
      expect(yield* statusOf(id)).toBe("exited")
      one(yield* restoring(id, { fileLocks: true }))
      yield* beyond(id, (yield* numbers(id)).length)
    }),
  },
  {
    name: "a connection that was frozen is restored only when told so",
    run: Effect.gen(function* () {
      const id = yield* running({ command: ["hold", "connection"] })
      yield* beyond(id, 0)
      one(yield* checkpointing(id, { tcpEstablished: true }))
      const failure = refusal(yield* restoring(id))
      expect(failure._tag).toBe("RestoreFailed")
      expect(failure.message).toMatch(
        /^OCI runtime error: (crun: CRIU restoring failed|runc: criu failed: type NOTIFY errno 0)/,
      )
      expect(yield* statusOf(id)).toBe("exited")
      one(yield* restoring(id, { tcp: "keep" }))
      yield* beyond(id, (yield* numbers(id)).length)
    }),
  },
  {
    name: "a connection that was frozen is closed at the restore",
    needs: ["tcpClose"],
    run: Effect.gen(function* () {
      const id = yield* running({ command: ["hold", "connection"] })
      yield* beyond(id, 0)
      one(yield* checkpointing(id, { tcpEstablished: true }))
      one(yield* restoring(id, { tcp: "close" }))
      yield* beyond(id, (yield* numbers(id)).length)
    }),
  },
  {
    name: "a container goes on from an archive, named or streamed, however it is compressed",
    needs: ["archives", "compression"],
    run: Effect.gen(function* () {
      const engine = yield* ContainerEngine
      const { directory } = yield* Bench
      for (const compression of ["zstd", "gzip", "none"] as const) {
        const path = join(directory, unique(compression))
        const id = yield* running()
        yield* beyond(id, 1)
        yield* inside(id, "echo kept > /etc/note")
        one(yield* checkpointing(id, { target: archive(path, { compression }) }))
        const count = (yield* numbers(id)).length
        yield* discard(id)
        const items = yield* importing(path)
        expect(items.map(({ input }) => input)).toEqual([""])
        expect(one(items).Id).toBe(id)
        yield* beyond(id, count)
        expectNoGap(yield* numbers(id))
        expect((yield* inside(id, "cat /etc/note")).stdout).toBe("kept\n")
        yield* discard(id)
        const bytes = Stream.fromAsyncIterable<Uint8Array, StorageFailed>(
          createReadStream(path),
          () => new StorageFailed({ operation: "read", path, code: "EIO" }),
        ).pipe(Stream.orDie)
        const streamed = yield* engine.restore({ _tag: "Archive", archive: { _tag: "Stream", bytes } }, defaultRestore)
        expect(one(streamed).Id).toBe(id)
        yield* beyond(id, count)
      }
    }),
  },
  {
    name: "an archive is taken in under a new name",
    needs: ["archives"],
    run: Effect.gen(function* () {
      const { directory } = yield* Bench
      const path = join(directory, unique("renamed"))
      const id = yield* running()
      yield* beyond(id, 0)
      one(yield* checkpointing(id, { leaveRunning: true, target: archive(path) }))
      const name = unique("copy")
      yield* discardLater(name)
      const copy = one(yield* importing(path, { name }))
      expect(copy.Id).not.toBe(id)
      yield* beyond(name, 0)
      expect(refusal(yield* importing(path))._tag).toBe("ContainerIdInUse")
    }),
  },
  {
    name: "an archive without changed files thaws on a fresh root filesystem",
    needs: ["archives"],
    run: Effect.gen(function* () {
      const { directory } = yield* Bench
      const path = join(directory, unique("bare"))
      const id = yield* running()
      yield* inside(id, "echo kept > /etc/note")
      const target = archive(path, { ignoreRootfs: true, ignoreVolumes: true })
      one(yield* checkpointing(id, { target }))
      yield* discard(id)
      one(yield* importing(path))
      expect((yield* inside(id, "test -e /etc/note || echo gone")).stdout).toBe("gone\n")
    }),
  },
  {
    name: "what is no archive, or is cut off, is refused and leaves nothing",
    needs: ["archives"],
    run: Effect.gen(function* () {
      const engine = yield* ContainerEngine
      const { directory } = yield* Bench
      const path = join(directory, unique("cut"))
      const name = unique("never")
      const id = yield* running({ name })
      one(yield* checkpointing(id, { target: archive(path) }))
      yield* discard(id)
      const { readFileSync } = yield* Effect.promise(() => import("node:fs"))
      const whole = readFileSync(path)
      for (const bytes of [whole.subarray(0, whole.length / 2), Buffer.from("this is no archive"), Buffer.alloc(0)]) {
        writeFileSync(path, bytes)
        const failure = refusal(yield* importing(path))
        expect(["ArchiveInvalid", "CheckpointInvalid"]).toContain(failure._tag)
        expect(yield* engine.exists(name)).toBe(false)
      }
      expect(refusal(yield* importing(join(directory, "missing")))).toMatchObject({
        _tag: "StorageFailed",
        code: "ENOENT",
      })
    }),
  },
  {
    name: "what was made here goes on with all that it had, whatever the policy for strangers says",
    needs: ["archives"],
    run: Effect.gen(function* () {
      const { directory } = yield* Bench
      const path = join(directory, unique("trusted"))
      const id = yield* running({ capAdd: ["net_raw"] })
      yield* beyond(id, 1)
      one(yield* checkpointing(id, { target: archive(path) }))
      yield* discard(id)
      one(yield* importing(path, { policy: { ...defaultRestorePolicy, capabilities: [] } }))
      expect((yield* inside(id, "grep CapEff /proc/self/status")).stdout).toMatch(/CapEff:\s+00000000800425fb/)
    }),
  },
  {
    name: "an archive of the second round holds the first when that has never left",
    needs: ["archives", "memoryTracking"],
    run: Effect.gen(function* () {
      const { directory } = yield* Bench
      const path = join(directory, unique("whole"))
      const id = yield* running()
      yield* beyond(id, 0)
      one(yield* checkpointing(id, { phase: "preCheckpoint" }))
      one(yield* checkpointing(id, { phase: "withPrevious", target: archive(path) }))
      const count = (yield* numbers(id)).length
      yield* discard(id)
      one(yield* importing(path))
      yield* beyond(id, count)
    }),
  },
  {
    name: "an archive of the second round needs that of the first",
    needs: ["archives", "memoryTracking"],
    run: Effect.gen(function* () {
      const { directory } = yield* Bench
      const [first, second] = [join(directory, unique("first")), join(directory, unique("second"))]
      const id = yield* running()
      yield* beyond(id, 0)
      one(yield* checkpointing(id, { phase: "preCheckpoint", target: archive(first) }))
      one(yield* checkpointing(id, { phase: "withPrevious", target: archive(second) }))
      const count = (yield* numbers(id)).length
      yield* discard(id)
      expect(refusal(yield* importing(second))._tag).toBe("CheckpointInvalid")
      one(yield* importing(second, {}, first))
      yield* beyond(id, count)
    }),
  },
]
