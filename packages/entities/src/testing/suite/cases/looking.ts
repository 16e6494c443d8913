/** Looking at containers: lists, documents, logs, changed files, processes. */
import { expect } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { ContainerEngine } from "../../../ContainerEngine.ts"
import { ListFlags } from "../../../options/ContainerOptions.ts"
import { ContainerInspect, ContainerSummary } from "../../../reports/ContainerReports.ts"
import { Selection } from "../../../Selection.ts"
import { Bench, beyond, created, eventually, failureOf, inside, running, said, unique } from "../Bench.ts"
import type { Case } from "../Case.ts"
import { optionValues } from "../../../Option.ts"

const flags = (given: Partial<ListFlags>) => optionValues(ListFlags, given)

const ids = (wanted: Partial<ListFlags>) =>
  Effect.flatMap(ContainerEngine, (engine) =>
    Effect.map(engine.list(flags(wanted)), (rows) => rows.map(({ Id }) => Id)),
  )

export const looking: ReadonlyArray<Case> = [
  {
    name: "only running containers are listed, all of them on request, the newest first",
    run: Effect.gen(function* () {
      const first = yield* running()
      const second = yield* created()
      expect(yield* ids({})).toContain(first)
      expect(yield* ids({})).not.toContain(second)
      expect((yield* ids({ all: true })).slice(0, 2)).toEqual([second, first])
      expect(yield* ids({ latest: true })).toEqual([second])
      expect(yield* ids({ last: 2 })).toEqual([second, first])
      expect(yield* ids({ all: true, external: true })).toEqual(yield* ids({ all: true }))
    }),
  },
  {
    name: "a list is filtered by name, label, state, image and exit code",
    run: Effect.gen(function* () {
      const engine = yield* ContainerEngine
      const { image } = yield* Bench
      const name = unique("filtered")
      const id = yield* created({ name, label: [`case=${name}`] })
      const ended = yield* running({ command: ["sh", "-c", "exit 4"], label: [`case=${name}`] })
      yield* engine.wait(Selection.names(ended), { ignore: false, intervalMillis: 50 })
      const all = (...filter: ReadonlyArray<string>) => ids({ all: true, filter })
      expect(yield* all(`name=${name}`)).toEqual([id])
      expect(yield* all(`label=case=${name}`)).toEqual([ended, id])
      expect(yield* all(`label=case=${name}`, "status=created")).toEqual([id])
      expect(yield* ids({ filter: [`label=case=${name}`, "status=created"] })).toEqual([id])
      expect(yield* all(`label=case=${name}`, "exited=4")).toEqual([ended])
      expect(yield* all(`id=${id.slice(0, 20)}`)).toEqual([id])
      expect(yield* all(`ancestor=${image}`)).toEqual(expect.arrayContaining([id, ended]))
      expect((yield* failureOf(engine.list(flags({ filter: ["colour=blue"] }))))._tag).toBe("FilterInvalid")
    }),
  },
  {
    name: "sizes are told on request, and grow with what is written",
    run: Effect.gen(function* () {
      const engine = yield* ContainerEngine
      const name = unique("sized")
      yield* running({ name })
      const sizes = Effect.map(engine.list(flags({ size: true, filter: [`name=${name}`] })), ([row]) => row?.Size)
      const before = yield* sizes
      yield* inside(name, "echo 0123456789 > /sized")
      const after = yield* sizes
      expect((after?.rwSize ?? 0) - (before?.rwSize ?? 0)).toBe(11)
      expect((after?.rootFsSize ?? 0) - (before?.rootFsSize ?? 0)).toBe(11)
      expect(after?.rootFsSize).toBeGreaterThan(after?.rwSize ?? 0)
      expect((yield* engine.list(flags({ filter: [`name=${name}`] })))[0]?.Size).toBe(null)
    }),
  },
  {
    name: "rows and documents have the declared shape and tell the truth",
    run: Effect.gen(function* () {
      const engine = yield* ContainerEngine
      const name = unique("shown")
      const id = yield* running({ name, command: ["count", "5"], label: ["a=b"] })
      const [row] = yield* engine.list(flags({ filter: [`name=${name}`] }))
      const shown = yield* engine.inspect(name)
      // an encoded document is what goes over the wire: it must come back as it was
      for (const [schema, document] of [
        [ContainerSummary, row],
        [ContainerInspect, shown],
      ] as const) {
        const encoded = JSON.parse(JSON.stringify(document)) as unknown
        expect(Schema.decodeUnknownSync(schema)(encoded)).toEqual(encoded)
      }
      expect(row).toMatchObject({
        Id: id,
        Names: [name],
        Command: ["count", "5"],
        State: "running",
        Status: "",
        Labels: { a: "b" },
        ImageID: shown.Image,
        Pid: shown.State.Pid,
      })
      expect(shown.State).toMatchObject({ Status: "running", Running: true, Paused: false, Checkpointed: false })
      expect(Math.abs(Date.parse(shown.Created) - Date.now())).toBeLessThan(60_000)
      expect(row?.StartedAt).toBe(Math.floor(Date.parse(shown.State.StartedAt) / 1000))
    }),
  },
  {
    name: "a container is found by name, id, and the beginning of its id",
    run: Effect.gen(function* () {
      const engine = yield* ContainerEngine
      const name = unique("found")
      const id = yield* created({ name })
      for (const ref of [name, id, id.slice(0, 16)]) {
        expect((yield* engine.inspect(ref)).Id).toBe(id)
        expect(yield* engine.exists(ref)).toBe(true)
      }
      expect(yield* engine.exists("nobody-here")).toBe(false)
      expect((yield* failureOf(engine.inspect("nobody-here"))).message).toBe(
        'no container with name or ID "nobody-here" found: no such container',
      )
    }),
  },
  {
    name: "logs are all that was said, or its last lines",
    run: Effect.gen(function* () {
      const engine = yield* ContainerEngine
      const id = yield* running({
        command: ["sh", "-c", "echo one; echo two; echo three >&2; sleep 0.2; echo -n four"],
      })
      yield* engine.wait(Selection.names(id), { ignore: false, intervalMillis: 50 })
      const lines = yield* Stream.runCollect(engine.logs(id, { follow: false, tail: -1 }))
      const by = (stream: string) =>
        lines.filter((line) => line.stream === stream).map(({ content }) => new TextDecoder().decode(content))
      expect([by("stdout").join(""), by("stderr").join("")]).toEqual(["one\ntwo\nfour", "three\n"])
      for (const { timestamp } of lines) expect(timestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d/)
      expect(yield* said(id, 0)).toBe("")
      expect(yield* said(id, 1)).toBe("four")
      expect((yield* said(id, 100)).length).toBe("one\ntwo\nthree\nfour".length)
    }),
  },
  {
    name: "logs are followed until the container ends",
    run: Effect.gen(function* () {
      const engine = yield* ContainerEngine
      const id = yield* running()
      yield* beyond(id, 1)
      const following = yield* Effect.forkChild(Stream.runCollect(engine.logs(id, { follow: true, tail: -1 })))
      yield* beyond(id, 3)
      yield* engine.stop(Selection.names(id), { ignore: false, timeSeconds: 0 })
      const lines = yield* Fiber.join(following)
      expect(lines.map(({ content }) => new TextDecoder().decode(content)).join("")).toBe(yield* said(id))
    }),
  },
  {
    name: "changed files are told, parents before children",
    run: Effect.gen(function* () {
      const engine = yield* ContainerEngine
      const id = yield* running()
      expect(yield* engine.diff(id)).toEqual([])
      yield* inside(
        id,
        "echo hello > /test.output; echo changed > /etc/motd; rm /etc/issue; mkdir /new; echo x > /new/file",
      )
      expect((yield* engine.diff(id)).map(({ kind, path }) => `${kind} ${path}`)).toEqual([
        "modified /etc",
        "deleted /etc/issue",
        "modified /etc/motd",
        "added /new",
        "added /new/file",
        "added /test.output",
      ])
    }),
  },
  {
    name: "a container is asked whether it is well, on request and at intervals",
    run: Effect.gen(function* () {
      const engine = yield* ContainerEngine
      const health = { healthCmd: "cat /tmp/well", healthRetries: 2, healthStartPeriod: "0s", healthTimeout: "20s" }
      const name = unique("asked")
      const id = yield* running({ ...health, name, healthInterval: "disable" })
      const shown = Effect.map(engine.inspect(id), ({ State }) => State.Health)
      const row = Effect.map(engine.list(flags({ filter: [`name=${name}`] })), ([first]) => first?.Status)
      expect(yield* shown).toEqual({ Status: "starting", FailingStreak: 0, Log: [] })
      expect((yield* engine.healthcheck(id)).Status).toBe("starting")
      const ill = yield* engine.healthcheck(id)
      expect(ill).toMatchObject({ Status: "unhealthy", FailingStreak: 2 })
      expect(ill.Log?.at(-1)).toMatchObject({
        ExitCode: 1,
        Output: "cat: can't open '/tmp/well': No such file or directory\n",
      })
      expect(yield* row).toBe("unhealthy")
      yield* inside(id, "echo yes > /tmp/well")
      expect(yield* engine.healthcheck(id)).toMatchObject({ Status: "healthy", FailingStreak: 0 })
      expect([yield* row, (yield* shown)?.Status]).toEqual(["healthy", "healthy"])
      const timed = yield* running({ ...health, healthInterval: "200ms" })
      const becomes = (status: string) =>
        eventually(
          `${timed} to be ${status}`,
          Effect.map(engine.inspect(timed), ({ State }) => (State.Health?.Status === status ? true : undefined)),
        )
      yield* becomes("unhealthy")
      yield* inside(timed, "echo yes > /tmp/well")
      yield* becomes("healthy")
      const without = yield* running({ noHealthcheck: true })
      expect((yield* failureOf(engine.healthcheck(without))).message).toBe(
        `container ${without} has no defined healthcheck`,
      )
      const idle = yield* created({ healthCmd: "true" })
      expect((yield* failureOf(engine.healthcheck(idle))).message).toBe(`container ${idle} is not running`)
    }),
  },
  {
    name: "processes are told in the columns asked for",
    run: Effect.gen(function* () {
      const engine = yield* ContainerEngine
      const id = yield* running()
      const [headings, first] = yield* engine.top(id, ["pid", "hpid", "args", "ppid"])
      expect(headings).toEqual(["PID", "HPID", "COMMAND", "PPID"])
      expect(first).toEqual(["1", String((yield* engine.inspect(id)).State.Pid), expect.stringContaining("count"), "0"])
      expect((yield* failureOf(engine.top(id, ["colour"])))._tag).toBe("OptionInvalid")
      const idle = yield* created()
      expect((yield* failureOf(engine.top(idle, []))).message).toBe("top can only be used on running containers")
    }),
  },
  {
    name: "a container without published ports has none to tell",
    run: Effect.gen(function* () {
      const engine = yield* ContainerEngine
      expect(yield* engine.port(yield* created())).toEqual([])
      expect((yield* failureOf(engine.port("nobody-here")))._tag).toBe("ContainerNotFound")
    }),
  },
]
