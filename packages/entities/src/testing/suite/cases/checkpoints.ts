/** Checkpoints: what they keep, where they go, what is refused, and that nothing is lost by it. */
import { readFileSync, readdirSync, statSync } from "node:fs"
import { join } from "node:path"
import { expect } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { ContainerEngine } from "../../../ContainerEngine.ts"
import { ImageEngine } from "../../../ImageEngine.ts"
import { type CheckpointOptions, type CheckpointTarget, defaultCheckpoint } from "../../../options/CheckpointOptions.ts"
import { defaultRestore } from "../../../options/RestoreOptions.ts"
import { CheckpointReport } from "../../../reports/CheckpointReport.ts"
import { Selection } from "../../../Selection.ts"
import * as Schema from "effect/Schema"
import {
  Bench,
  beyond,
  created,
  discardImageLater,
  expectNoGap,
  failureOf,
  inside,
  numbers,
  one,
  refusal,
  running,
  statusOf,
  unique,
} from "../Bench.ts"
import type { Case } from "../Case.ts"

export const checkpointing = (id: string, options: Partial<CheckpointOptions> = {}) =>
  Effect.flatMap(ContainerEngine, (engine) =>
    engine.checkpoint(Selection.names(id), { ...defaultCheckpoint, ...options }),
  )

export const archive = (
  path: string,
  more: Partial<Extract<CheckpointTarget, { readonly _tag: "Archive" }>> = {},
): CheckpointTarget => ({
  _tag: "Archive",
  destination: { _tag: "File", path },
  compression: "none",
  ignoreRootfs: false,
  ignoreVolumes: false,
  ...more,
})

const magic = { zstd: "28b52ffd", gzip: "1f8b", none: "" }

export const checkpoints: ReadonlyArray<Case> = [
  {
    name: "a checkpoint stops the container, keeps it, and says so",
    run: Effect.gen(function* () {
      const engine = yield* ContainerEngine
      const name = unique("frozen")
      const id = yield* running({ name })
      yield* beyond(id, 1)
      const items = yield* checkpointing(name)
      expect(items.map(({ input }) => input)).toEqual([name])
      const report = one(items)
      expect(Schema.is(CheckpointReport)(report)).toBe(true)
      expect(report.Id).toBe(id)
      expect(report.runtime_checkpoint_duration).toBeGreaterThan(0)
      expect(report.criu_statistics?.frozen_time).toBeGreaterThan(0)
      const { State } = yield* engine.inspect(id)
      expect(State).toMatchObject({ Status: "exited", ExitCode: 0, Running: false, Checkpointed: true })
      expect(State.CheckpointPath).toContain("userdata/checkpoint")
      expect(State.CheckpointLog).toBeUndefined()
      expect(State.Restored ?? false).toBe(false)
      const [row] = yield* engine.list({
        all: true,
        latest: false,
        filter: [`id=${id}`],
        last: -1,
        external: false,
        size: false,
      })
      expect(row).toMatchObject({ State: "exited", Exited: true, ExitCode: 0 })
    }),
  },
  {
    name: "with leaveRunning the container goes on, and nothing of it is different",
    run: Effect.gen(function* () {
      const engine = yield* ContainerEngine
      const id = yield* running()
      yield* beyond(id, 1)
      const { State: before } = yield* engine.inspect(id)
      one(yield* checkpointing(id, { leaveRunning: true }))
      const { State: after } = yield* engine.inspect(id)
      expect(after).toMatchObject({ Status: "running", Pid: before.Pid, StartedAt: before.StartedAt })
      yield* beyond(id, (yield* numbers(id)).length)
      expectNoGap(yield* numbers(id))
    }),
  },
  {
    name: "a program beside the container is not part of its checkpoint, which says so",
    run: Effect.gen(function* () {
      const engine = yield* ContainerEngine
      const name = unique("accompanied")
      const id = yield* running({ name })
      const options = { env: [], tty: false, user: "", workdir: "", privileged: false }
      const session = yield* engine.execDetached(id, { ...options, command: ["sleep", "1000"] })
      expect((yield* engine.inspect(id)).ExecIDs).toEqual([session])
      const said = `exec session ${session.slice(0, 12)} of ${name} (sleep 1000)`
      expect(one(yield* checkpointing(id, { leaveRunning: true })).warnings).toEqual([
        `${said} goes on without being part of the checkpoint`,
      ])
      expect((yield* engine.inspect(id)).ExecIDs).toEqual([session])
      expect(one(yield* checkpointing(id)).warnings).toEqual([`${said} ends with the checkpoint`])
      one(yield* engine.restore(Selection.names(id), defaultRestore))
      expect((yield* engine.inspect(id)).ExecIDs).toEqual([])
      expect(one(yield* checkpointing(id)).warnings).toEqual([])
    }),
  },
  {
    name: "with keep the log of the dump stays, and is named",
    run: Effect.gen(function* () {
      const engine = yield* ContainerEngine
      const id = yield* running()
      one(yield* checkpointing(id, { keep: true }))
      expect((yield* engine.inspect(id)).State.CheckpointLog).toContain("userdata/dump.log")
    }),
  },
  {
    name: "a container that holds a file lock is frozen only when told so, and runs on otherwise",
    run: Effect.gen(function* () {
      const id = yield* running({ command: ["hold", "lock"] })
      yield* beyond(id, 0)
      const failure = refusal(yield* checkpointing(id))
      expect(failure).toMatchObject({ _tag: "DumpFailed", id })
      expect(failure.message).toContain("failed: exit status 1")
      yield* beyond(id, (yield* numbers(id)).length)
      expect(one(yield* checkpointing(id, { fileLocks: true })).Id).toBe(id)
    }),
  },
  {
    name: "a container with a TCP connection is frozen only when told so, and runs on otherwise",
    run: Effect.gen(function* () {
      const id = yield* running({ command: ["hold", "connection"] })
      yield* beyond(id, 0)
      const failure = refusal(yield* checkpointing(id))
      expect(failure).toMatchObject({ _tag: "DumpFailed", id })
      expect(failure.message).toContain("failed: exit status 1")
      yield* beyond(id, (yield* numbers(id)).length)
      expect(one(yield* checkpointing(id, { tcpEstablished: true })).Id).toBe(id)
    }),
  },
  {
    name: "every running container is frozen with all, the newest with latest",
    run: Effect.gen(function* () {
      const engine = yield* ContainerEngine
      const first = yield* running()
      const idle = yield* created()
      const second = yield* running()
      const latest = yield* engine.checkpoint(Selection.latest, defaultCheckpoint)
      expect(latest.map(({ input }) => input)).toEqual([second])
      const inputs = (yield* engine.checkpoint(Selection.all, defaultCheckpoint)).map(({ input }) => input)
      expect(inputs).toContain(first)
      expect(inputs).not.toContain(idle)
      expect([yield* statusOf(first), yield* statusOf(second)]).toEqual(["exited", "exited"])
    }),
  },
  {
    name: "each container has its report, in order, also after a failure",
    run: Effect.gen(function* () {
      const engine = yield* ContainerEngine
      const first = yield* running()
      const idle = yield* created()
      const last = yield* running()
      const names = Selection.names(first, "nobody-here", idle, last)
      const items = yield* engine.checkpoint(names, defaultCheckpoint)
      expect(
        items.map(({ input, result }) => [
          input,
          Result.isSuccess(result) ? result.success.Id : result.failure.message,
        ]),
      ).toEqual([
        [first, first],
        ["nobody-here", 'no container with name or ID "nobody-here" found: no such container'],
        [idle, '"created" is not running, cannot checkpoint: container state improper'],
        [last, last],
      ])
    }),
  },
  {
    name: "several containers never write one image",
    run: Effect.gen(function* () {
      const engine = yield* ContainerEngine
      const [first, second] = [yield* running(), yield* running()]
      const options = { ...defaultCheckpoint, target: { _tag: "Image", name: unique("shared") } as const }
      const failure = yield* failureOf(engine.checkpoint(Selection.names(first, second), options))
      expect(failure).toMatchObject({ _tag: "TargetShared", containers: [first, second] })
      expect([yield* statusOf(first), yield* statusOf(second)]).toEqual(["running", "running"])
    }),
  },
  {
    name: "a container that is removed when it stops is frozen only into something that stays",
    run: Effect.gen(function* () {
      const engine = yield* ContainerEngine
      const id = yield* running({ autoRemove: true })
      expect(refusal(yield* checkpointing(id)).message).toContain(
        "cannot checkpoint containers that have been started with '--rm'",
      )
      const name = unique("kept")
      yield* discardImageLater(name)
      expect(one(yield* checkpointing(id, { target: { _tag: "Image", name } })).Id).toBe(id)
      expect(yield* engine.exists(id)).toBe(false)
      expect(one(yield* engine.restore(Selection.names(name), defaultRestore)).Id).toBe(id)
      expect(yield* statusOf(id)).toBe("running")
    }),
  },
  {
    name: "a checkpoint becomes an image that says what it is",
    run: Effect.gen(function* () {
      const images = yield* ImageEngine
      const engine = yield* ContainerEngine
      const name = unique("image")
      const container = unique("source")
      const id = yield* running({ name: container })
      yield* discardImageLater(name)
      one(yield* checkpointing(id, { target: { _tag: "Image", name } }))
      const shown = yield* images.inspect(name)
      expect(shown.RepoTags).toEqual([`localhost/${name}:latest`])
      expect(shown.Annotations).toMatchObject({
        "io.podman.annotations.checkpoint.name": container,
        "io.podman.annotations.checkpoint.runtime.name": (yield* engine.inspect(id)).OCIRuntime,
      })
    }),
  },
  {
    name: "a name that no image can have is refused before anything is frozen",
    run: Effect.gen(function* () {
      const id = yield* running()
      yield* beyond(id, 0)
      expect(refusal(yield* checkpointing(id, { target: { _tag: "Image", name: "No/Good" } }))._tag).toBe(
        "ReferenceInvalid",
      )
      expect(yield* statusOf(id)).toBe("running")
      expectNoGap(yield* numbers(id))
    }),
  },
  {
    name: "a checkpoint becomes an archive, complete under its name, for its owner only",
    needs: ["archives"],
    run: Effect.gen(function* () {
      const { directory } = yield* Bench
      const path = join(directory, `${unique("whole")}.tar`)
      const id = yield* running()
      expect(one(yield* checkpointing(id, { target: archive(path) })).Id).toBe(id)
      expect(statSync(path).mode & 0o777).toBe(0o600)
      // a tar archive says so in the header of its first member
      expect(readFileSync(path).subarray(257, 262).toString("latin1")).toBe("ustar")
      expect(readdirSync(directory).filter((name) => name.includes(".tmp"))).toEqual([])
    }),
  },
  {
    name: "an archive is compressed as it was asked for",
    needs: ["archives", "compression"],
    run: Effect.gen(function* () {
      const { directory } = yield* Bench
      const id = yield* running()
      for (const compression of ["zstd", "gzip", "none"] as const) {
        const path = join(directory, unique(compression))
        one(yield* checkpointing(id, { leaveRunning: true, target: archive(path, { compression }) }))
        expect(readFileSync(path).toString("hex")).toMatch(new RegExp(`^${magic[compression]}`))
        expect(readFileSync(path).subarray(257, 262).toString("latin1") === "ustar").toBe(compression === "none")
      }
    }),
  },
  {
    name: "an archive that cannot be written is refused, and the container runs on",
    needs: ["archives"],
    run: Effect.gen(function* () {
      const { directory } = yield* Bench
      const id = yield* running()
      yield* beyond(id, 0)
      const path = join(directory, "no/such/directory/x.tar")
      expect(refusal(yield* checkpointing(id, { target: archive(path) }))).toMatchObject({
        _tag: "StorageFailed",
        code: "ENOENT",
      })
      expect(yield* statusOf(id)).toBe("running")
      expectNoGap(yield* numbers(id))
    }),
  },
  {
    name: "several containers never write one archive",
    needs: ["archives"],
    run: Effect.gen(function* () {
      const engine = yield* ContainerEngine
      const { directory } = yield* Bench
      const names = Selection.names(yield* running(), yield* running())
      const target = archive(join(directory, unique("shared")))
      expect((yield* failureOf(engine.checkpoint(names, { ...defaultCheckpoint, target })))._tag).toBe("TargetShared")
    }),
  },
  {
    name: "a pre-checkpoint leaves the container running, and a checkpoint builds on it",
    needs: ["memoryTracking"],
    run: Effect.gen(function* () {
      const engine = yield* ContainerEngine
      const id = yield* running()
      yield* inside(id, "echo kept > /etc/note")
      one(yield* checkpointing(id, { phase: "preCheckpoint" }))
      expect(yield* statusOf(id)).toBe("running")
      one(yield* checkpointing(id, { phase: "withPrevious" }))
      expect(yield* statusOf(id)).toBe("exited")
      one(yield* engine.restore(Selection.names(id), defaultRestore))
      yield* beyond(id, (yield* numbers(id)).length)
      expectNoGap(yield* numbers(id))
    }),
  },
  {
    name: "a second round without a first is refused, and the container goes on",
    needs: ["memoryTracking"],
    run: Effect.gen(function* () {
      const id = yield* running()
      expect(refusal(yield* checkpointing(id, { phase: "withPrevious" }))._tag).toBe("PreCheckpointMissing")
      expect(yield* statusOf(id)).toBe("running")
    }),
  },
  {
    name: "checkpoints in two rounds are refused where memory is not tracked",
    without: "memoryTracking",
    run: Effect.gen(function* () {
      const id = yield* running()
      for (const phase of ["preCheckpoint", "withPrevious"] as const) {
        expect(refusal(yield* checkpointing(id, { phase })).message).toBe(
          "system (architecture/kernel/CRIU) does not support memory tracking",
        )
      }
      expect(yield* statusOf(id)).toBe("running")
    }),
  },
]
