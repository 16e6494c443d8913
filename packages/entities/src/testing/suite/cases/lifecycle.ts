/** What happens to a container between its making and its end. */
import { expect } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { ContainerEngine } from "../../../ContainerEngine.ts"
import { Selection } from "../../../Selection.ts"
import {
  beyond,
  created,
  eventually,
  expectNoGap,
  failureOf,
  numbers,
  one,
  refusal,
  running,
  said,
  statusOf,
  unique,
} from "../Bench.ts"
import type { Case } from "../Case.ts"

const stopped = { ignore: false, timeSeconds: 0 }
const waited = { ignore: false, intervalMillis: 50 }
const removal = { force: false, ignore: false, timeSeconds: 0 }

const exit = (ref: string) =>
  Effect.flatMap(ContainerEngine, (engine) =>
    Effect.map(engine.inspect(ref), ({ State }) => [State.Status, State.ExitCode] as const),
  )

export const lifecycle: ReadonlyArray<Case> = [
  {
    name: "starting what runs changes nothing",
    run: Effect.gen(function* () {
      const engine = yield* ContainerEngine
      const id = yield* running()
      const { State: before } = yield* engine.inspect(id)
      expect(one(yield* engine.start(Selection.names(id)))).toBe(id)
      expect((yield* engine.inspect(id)).State.StartedAt).toBe(before.StartedAt)
    }),
  },
  {
    name: "every container is started with all, the newest with latest",
    run: Effect.gen(function* () {
      const engine = yield* ContainerEngine
      const first = yield* created()
      const second = yield* created()
      expect(one(yield* engine.start(Selection.latest))).toBe(second)
      const items = yield* engine.start(Selection.all)
      expect(items.map(({ input }) => input)).toEqual(expect.arrayContaining([first, second]))
      expect(yield* statusOf(first)).toBe("running")
    }),
  },
  {
    name: "a container that is asked to stop ends by its own will",
    run: Effect.gen(function* () {
      const engine = yield* ContainerEngine
      const id = yield* running()
      yield* beyond(id, 0)
      expect(one(yield* engine.stop(Selection.names(id), { ignore: false, timeSeconds: -1 }))).toBe(id)
      expect(yield* exit(id)).toEqual(["exited", 7])
    }),
  },
  {
    name: "a container that is given no time is killed",
    run: Effect.gen(function* () {
      const engine = yield* ContainerEngine
      const id = yield* running()
      expect(one(yield* engine.stop(Selection.names(id), stopped))).toBe(id)
      expect(yield* exit(id)).toEqual(["exited", 137])
    }),
  },
  {
    name: "a container is asked with its own signal, and killed when its time is up",
    run: Effect.gen(function* () {
      const engine = yield* ContainerEngine
      const id = yield* running({ stopSignal: "HUP", stopTimeout: 1 })
      yield* beyond(id, 0)
      expect(one(yield* engine.stop(Selection.names(id), { ignore: false, timeSeconds: -1 }))).toBe(id)
      expect(yield* exit(id)).toEqual(["exited", 137])
      expect(yield* said(id)).toContain("hup\n")
    }),
  },
  {
    name: "stopping answers for each container, in order, and leaves out missing ones only when told",
    run: Effect.gen(function* () {
      const engine = yield* ContainerEngine
      const id = yield* running()
      const names = Selection.names("nobody-here", id)
      const items = yield* engine.stop(names, stopped)
      expect(items.map(({ input, result }) => [input, result._tag])).toEqual([
        ["nobody-here", "Failure"],
        [id, "Success"],
      ])
      expect((yield* engine.stop(names, { ...stopped, ignore: true })).map(({ input }) => input)).toEqual([id])
    }),
  },
  {
    name: "stopping all stops those that run, stopping the latest the newest",
    run: Effect.gen(function* () {
      const engine = yield* ContainerEngine
      const first = yield* running()
      const second = yield* running()
      expect(one(yield* engine.stop(Selection.latest, stopped))).toBe(second)
      const items = yield* engine.stop(Selection.all, stopped)
      expect(items.map(({ input }) => input)).toContain(first)
      expect(items.map(({ input }) => input)).not.toContain(second)
      expect([yield* statusOf(first), yield* statusOf(second)]).toEqual(["exited", "exited"])
    }),
  },
  {
    name: "a signal reaches the program, by any of its names",
    run: Effect.gen(function* () {
      const engine = yield* ContainerEngine
      const id = yield* running()
      yield* beyond(id, 0)
      for (const [at, signal] of ["HUP", "SIGHUP", "1"].entries()) {
        expect(one(yield* engine.kill(Selection.names(id), { signal }))).toBe(id)
        yield* eventually(
          `"hup" number ${at + 1}`,
          Effect.map(said(id), (all) => (all.split("hup\n").length === at + 2 ? true : undefined)),
        )
      }
      one(yield* engine.kill(Selection.latest, { signal: "KILL" }))
      expect(one(yield* engine.wait(Selection.names(id), waited))).toBe(137)
    }),
  },
  {
    name: "killing all reaches those that run",
    run: Effect.gen(function* () {
      const engine = yield* ContainerEngine
      const id = yield* running()
      const idle = yield* created()
      const inputs = (yield* engine.kill(Selection.all, { signal: "KILL" })).map(({ input }) => input)
      expect(inputs).toContain(id)
      expect(inputs).not.toContain(idle)
      expect(one(yield* engine.wait(Selection.names(id), waited))).toBe(137)
    }),
  },
  {
    name: "a signal nobody knows, and a container that does not run, are refused",
    run: Effect.gen(function* () {
      const engine = yield* ContainerEngine
      const id = yield* created()
      expect(refusal(yield* engine.kill(Selection.names(id), { signal: "NOPE" })).message).toBe("invalid signal: NOPE")
      expect(refusal(yield* engine.kill(Selection.names(id), { signal: "TERM" })).message).toBe(
        `can only kill running containers. ${id} is in state created: container state improper`,
      )
    }),
  },
  {
    name: "a paused container stands still, and goes on without a gap",
    run: Effect.gen(function* () {
      const engine = yield* ContainerEngine
      const id = yield* running()
      yield* beyond(id, 1)
      expect(one(yield* engine.pause(Selection.names(id)))).toBe(id)
      expect(yield* statusOf(id)).toBe("paused")
      yield* Effect.sleep("200 millis")
      const still = yield* said(id, 1)
      yield* Effect.sleep("300 millis")
      expect(yield* said(id, 1)).toBe(still)
      expect(refusal(yield* engine.pause(Selection.names(id))).message).toBe(
        `"${id}" is already paused: container state improper`,
      )
      expect(one(yield* engine.unpause(Selection.names(id)))).toBe(id)
      yield* beyond(id, Number(still))
      expectNoGap(yield* numbers(id))
    }),
  },
  {
    name: "all that run are paused, all that are paused go on, and so is the latest",
    run: Effect.gen(function* () {
      const engine = yield* ContainerEngine
      const id = yield* running()
      const idle = yield* created()
      const paused = new Set((yield* engine.pause(Selection.all)).map(({ input }) => input))
      expect([paused.has(id), paused.has(idle)]).toEqual([true, false])
      expect((yield* engine.unpause(Selection.all)).map(({ input }) => input)).toContain(id)
      expect(refusal(yield* engine.pause(Selection.latest)).message).toBe(
        `"created" is not running, can't pause: container state improper`,
      )
      expect(refusal(yield* engine.unpause(Selection.latest)).message).toBe(
        `"${idle}" is not paused, can't unpause: container state improper`,
      )
    }),
  },
  {
    name: "waiting ends with the container and gives its exit code",
    run: Effect.gen(function* () {
      const engine = yield* ContainerEngine
      const id = yield* running({ command: ["sh", "-c", "sleep 0.3; exit 5"] })
      const waiting = yield* Effect.forkChild(engine.wait(Selection.latest, waited))
      expect(one(yield* engine.wait(Selection.names(id), waited))).toBe(5)
      expect(one(yield* Fiber.join(waiting))).toBe(5)
      const names = Selection.names("nobody-here", id)
      expect((yield* engine.wait(names, { ...waited, ignore: true })).map(({ input }) => input)).toEqual([id])
      expect((yield* engine.wait(names, waited)).map(({ result }) => result._tag)).toEqual(["Failure", "Success"])
    }),
  },
  {
    name: "a container is started again as its restart policy says, and no more once its user has stopped it",
    run: Effect.gen(function* () {
      const engine = yield* ContainerEngine
      const fails = yield* running({ restart: "on-failure:2", command: ["sh", "-c", "echo run; exit 3"] })
      yield* eventually(
        "the last run",
        Effect.map(engine.inspect(fails), ({ RestartCount, State }) =>
          RestartCount === 2 && State.Status === "exited" ? true : undefined,
        ),
      )
      expect(yield* said(fails)).toBe("run\nrun\nrun\n")
      expect((yield* engine.inspect(fails)).HostConfig.RestartPolicy).toEqual({
        Name: "on-failure",
        MaximumRetryCount: 2,
      })
      const ends = yield* running({ restart: "on-failure", command: ["sh", "-c", "exit 0"] })
      one(yield* engine.wait(Selection.names(ends), waited))
      // stands in its second run: Podman starts a container again that is told to stop between two of them
      const goesOn = yield* running({
        restart: "always",
        command: ["sh", "-c", "cat /ran && sleep 1000; echo > /ran"],
      })
      yield* eventually(
        "the second run",
        Effect.map(engine.inspect(goesOn), ({ RestartCount, State }) =>
          RestartCount === 1 && State.Status === "running" ? true : undefined,
        ),
      )
      yield* engine.stop(Selection.names(goesOn), stopped)
      yield* Effect.sleep("1 seconds")
      expect([yield* statusOf(ends), (yield* engine.inspect(ends)).RestartCount]).toEqual(["exited", 0])
      yield* eventually(
        "the end",
        Effect.map(statusOf(goesOn), (status) => (status === "exited" ? true : undefined)),
      )
    }),
  },
  {
    name: "a running container is removed only by force",
    run: Effect.gen(function* () {
      const engine = yield* ContainerEngine
      const id = yield* running()
      yield* beyond(id, 0)
      expect(refusal(yield* engine.remove(Selection.names(id), removal)).message).toBe(
        `cannot remove container ${id} as it is running - running or paused containers cannot be removed without force: container state improper`,
      )
      expect(one(yield* engine.remove(Selection.names(id), { ...removal, force: true, timeSeconds: 5 }))).toBe(id)
      expect(yield* engine.exists(id)).toBe(false)
    }),
  },
  {
    name: "removing answers for each container, in order, and leaves out missing ones only when told",
    run: Effect.gen(function* () {
      const engine = yield* ContainerEngine
      const id = yield* created()
      const names = Selection.names("nobody-here", id, "nor-here")
      expect((yield* engine.remove(names, removal)).map(({ input, result }) => [input, result._tag])).toEqual([
        ["nobody-here", "Failure"],
        [id, "Success"],
        ["nor-here", "Failure"],
      ])
      expect(yield* engine.remove(names, { ...removal, ignore: true })).toEqual([])
    }),
  },
  {
    name: "the latest container is removed, and then all",
    run: Effect.gen(function* () {
      const engine = yield* ContainerEngine
      const first = yield* created()
      const second = yield* running()
      expect(yield* engine.latest).toBe(second)
      expect(one(yield* engine.remove(Selection.latest, { ...removal, force: true }))).toBe(second)
      expect(yield* engine.latest).toBe(first)
      expect((yield* engine.remove(Selection.all, { ...removal, force: true })).map(({ input }) => input)).toContain(
        first,
      )
      expect(yield* engine.exists(first)).toBe(false)
      expect((yield* failureOf(engine.latest)).message).toBe("no such container")
    }),
  },
  {
    name: "a container is renamed, but not to a name that is taken or no name",
    run: Effect.gen(function* () {
      const engine = yield* ContainerEngine
      const [before, after] = [unique("before"), unique("after")]
      const id = yield* created({ name: before })
      const other = yield* created({ name: after })
      expect((yield* failureOf(engine.rename(before, after))).message).toContain(`already in use by ${other}`)
      expect((yield* failureOf(engine.rename(before, "a b")))._tag).toBe("NameInvalid")
      yield* engine.rename(before, `${after}.1`)
      expect((yield* engine.inspect(id)).Name).toBe(`${after}.1`)
      expect(yield* engine.exists(before)).toBe(false)
      expect((yield* failureOf(engine.rename(before, "x")))._tag).toBe("ContainerNotFound")
    }),
  },
]
