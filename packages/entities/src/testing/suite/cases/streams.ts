/** Talking with containers: attached ones, and programs run beside them. */
import { expect } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import { ContainerEngine } from "../../../ContainerEngine.ts"
import { Selection } from "../../../Selection.ts"
import { beyond, created, eventually, failureOf, inside, listening, one, running, unique } from "../Bench.ts"
import type { Case } from "../Case.ts"

export const streams: ReadonlyArray<Case> = [
  {
    name: "whoever attaches hears a container from its beginning to its end, both streams apart",
    run: Effect.gen(function* () {
      const engine = yield* ContainerEngine
      const id = yield* running({ command: ["sh", "-c", "echo out; echo err >&2; sleep 0.5; echo late; exit 6"] })
      const { heard, streams: ears } = listening()
      expect(yield* engine.attach(id, ears)).toBe(6)
      expect(heard).toEqual({ stdout: "out\nlate\n", stderr: "err\n" })
    }),
  },
  {
    name: "what is said to an attached container reaches its program, and so does the end",
    run: Effect.gen(function* () {
      const engine = yield* ContainerEngine
      const id = yield* running({ interactive: true, command: ["cat"] })
      const { heard, streams: ears } = listening("one\n", "two\n")
      expect(yield* engine.attach(id, ears)).toBe(0)
      expect(heard.stdout).toBe("one\ntwo\n")
    }),
  },
  {
    name: "whoever starts a container to stay with it hears and feeds it from its first word, however short it is",
    run: Effect.gen(function* () {
      const engine = yield* ContainerEngine
      const brief = { autoRemove: true, command: ["sh", "-c", "echo out; echo err >&2; exit 5"] }
      for (let turn = 0; turn < 6; turn++) {
        const id = yield* created(brief)
        const gone = eventually(
          `${id} to go`,
          Effect.map(engine.exists(id), (exists) => (exists ? undefined : true)),
        )
        const { heard, streams: ears } = listening()
        let begun = 0
        const noted = Effect.sync(() => void begun++)
        // every other time nobody listens before it is gone
        const late = turn % 2 === 0 ? noted : Effect.andThen(Effect.orDie(gone), noted)
        expect(yield* engine.startAttached(id, ears, late)).toBe(5)
        expect([heard, begun]).toEqual([{ stdout: "out\n", stderr: "err\n" }, 1])
        yield* gone
      }
      const id = yield* created({ interactive: true, command: ["cat"] })
      const { heard, streams: ears } = listening("one\n", "two\n")
      expect(yield* engine.startAttached(id, ears, Effect.void)).toBe(0)
      expect(heard.stdout).toBe("one\ntwo\n")
      // what it said before is not repeated
      const again = listening("three\n")
      expect(yield* engine.startAttached(id, again.streams, Effect.void)).toBe(0)
      expect(again.heard.stdout).toBe("three\n")
    }),
  },
  {
    name: "what cannot be started fails before it has begun",
    run: Effect.gen(function* () {
      const engine = yield* ContainerEngine
      const id = yield* created({ command: ["no-such-program"] })
      const { heard, streams: ears } = listening()
      const never = Effect.die("nothing has begun")
      expect((yield* failureOf(engine.startAttached(id, ears, never))).message).toContain("not found")
      expect(heard.stdout).toBe("")
      expect((yield* engine.inspect(id)).State.Running).toBe(false)
      const missing = yield* failureOf(engine.startAttached(unique("nobody"), ears, never))
      expect(missing._tag).toBe("ContainerNotFound")
    }),
  },
  {
    name: "how a container ended that has removed itself is known by its id",
    run: Effect.gen(function* () {
      const engine = yield* ContainerEngine
      const id = yield* running({ autoRemove: true, command: ["sh", "-c", "exit 4"] })
      yield* eventually(
        `${id} to go`,
        Effect.map(engine.exists(id), (exists) => (exists ? undefined : true)),
      )
      expect(one(yield* engine.wait(Selection.names(id), { ignore: false, intervalMillis: 20 }))).toBe(4)
    }),
  },
  {
    name: "a container has the size of the terminal that is attached to it",
    run: Effect.gen(function* () {
      const engine = yield* ContainerEngine
      const id = yield* running({ tty: true, command: ["sh", "-c", "sleep 1; stty size"] })
      const { heard, streams: ears } = listening()
      const resizes = Stream.concat(Stream.make({ columns: 101, rows: 37 }), Stream.never)
      expect(yield* engine.attach(id, { ...ears, resizes })).toBe(0)
      expect(heard.stdout.trim()).toBe("37 101")
    }),
  },
  {
    name: "a container that is stopped ends the attachment with its exit code",
    run: Effect.gen(function* () {
      const engine = yield* ContainerEngine
      const id = yield* running()
      const { heard, streams: ears } = listening()
      const attached = yield* Effect.forkChild(engine.attach(id, ears))
      yield* beyond(id, 2)
      yield* engine.stop(Selection.names(id), { ignore: false, timeSeconds: 10 })
      expect(yield* Fiber.join(attached)).toBe(7)
      expect(heard.stdout).toMatch(/^0\n1\n2\n/)
    }),
  },
  {
    name: "a program beside the container has its own streams and exit code",
    run: Effect.gen(function* () {
      const id = yield* running()
      expect(yield* inside(id, "echo out; echo err >&2; exit 9")).toEqual({ code: 9, stdout: "out\n", stderr: "err\n" })
      const missing = yield* inside(id, "", { command: ["cat", "/missing"] })
      expect([missing.code, missing.stderr]).toEqual([1, "cat: can't open '/missing': No such file or directory\n"])
    }),
  },
  {
    name: "a program has the user, directory, variables and capabilities that were asked for",
    run: Effect.gen(function* () {
      const id = yield* running({ env: ["A=container", "B=kept"], workdir: "/etc" })
      expect((yield* inside(id, "echo $A $B; pwd")).stdout).toBe("container kept\n/etc\n")
      const wanted = { env: ["A=session"], workdir: "/tmp", user: "guest" }
      expect((yield* inside(id, "echo $A $B; pwd; id -u", wanted)).stdout).toBe("session kept\n/tmp\n405\n")
      const capabilities = (options: Parameters<typeof inside>[2]) =>
        Effect.map(inside(id, "grep CapEff /proc/self/status", options), ({ stdout }) =>
          BigInt(`0x${stdout.replace("CapEff:", "").trim()}`),
        )
      expect(yield* capabilities({ user: "guest" })).toBe(0n)
      // whatever the engine's host may give: CAP_SYS_ADMIN and CAP_NET_ADMIN at least
      expect((yield* capabilities({ privileged: true })) & 0x201000n).toBe(0x201000n)
      expect(yield* failureOf(inside(id, "true", { user: "nobody-here" }))).toMatchObject({
        message: expect.stringContaining("unable to find user nobody-here: no matching entries in passwd file"),
      })
    }),
  },
  {
    name: "a program is fed, and sees the end of its input",
    run: Effect.gen(function* () {
      const id = yield* running()
      const spoken = { interactive: true, input: ["one\n", "two\n"] }
      expect(yield* inside(id, "cat", spoken)).toEqual({ code: 0, stdout: "one\ntwo\n", stderr: "" })
      expect(yield* inside(id, "cat")).toEqual({ code: 0, stdout: "", stderr: "" })
    }),
  },
  {
    name: "a program gets a terminal of the size that was told",
    run: Effect.gen(function* () {
      const engine = yield* ContainerEngine
      const id = yield* running()
      const { heard, streams: ears } = listening()
      const resizes = Stream.concat(Stream.make({ columns: 99, rows: 33 }), Stream.never)
      const options = { env: [], interactive: true, tty: true, user: "", workdir: "", privileged: false }
      const command = ["sh", "-c", "sleep 1; stty size"] as [string, ...Array<string>]
      const input = Stream.never
      expect(yield* engine.exec(id, { ...options, command }, { ...ears, input, resizes })).toBe(0)
      expect(heard.stdout.trim()).toBe("33 99")
    }),
  },
  {
    name: "a detached program goes on by itself",
    run: Effect.gen(function* () {
      const id = yield* running()
      const engine = yield* ContainerEngine
      const script = "sleep 1; echo done > /tmp/mark"
      const options = { env: [], tty: false, user: "", workdir: "", privileged: false }
      expect(yield* engine.execDetached(id, { ...options, command: ["sh", "-c", script] })).toMatch(/^[0-9a-f]{64}$/)
      expect((yield* inside(id, "cat /tmp/mark")).code).toBe(1)
      expect(
        yield* eventually(
          "the mark",
          Effect.map(inside(id, "cat /tmp/mark"), ({ code, stdout }) => (code === 0 ? stdout : undefined)),
        ),
      ).toBe("done\n")
    }),
  },
  {
    name: "a program that is not there, and a container that does not run, are told apart",
    run: Effect.gen(function* () {
      const engine = yield* ContainerEngine
      const id = yield* running()
      const absent = yield* failureOf(inside(id, "", { command: ["no-such-program"] }))
      expect(absent).toMatchObject({ _tag: "CommandNotStarted", exitStatus: 127 })
      const idle = yield* created()
      expect((yield* failureOf(inside(idle, "true"))).message).toBe(
        "can only create exec sessions on running containers: container state improper",
      )
      expect((yield* failureOf(inside("nobody-here", "true")))._tag).toBe("ContainerNotFound")
      const detached = { env: [], tty: false, user: "", workdir: "", privileged: false }
      expect(yield* failureOf(engine.execDetached(id, { ...detached, command: ["no-such-program"] }))).toMatchObject({
        _tag: "CommandNotStarted",
        exitStatus: 127,
      })
    }),
  },
]
