/** New containers: what is asked for is what programs find. */
import { expect } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { ContainerEngine } from "../../../ContainerEngine.ts"
import type { CreateOptions } from "../../../options/CreateOptions.ts"
import { Selection } from "../../../Selection.ts"
import {
  beyond,
  createOptions,
  created,
  failureOf,
  inside,
  one,
  refusal,
  running,
  said,
  statusOf,
  unique,
} from "../Bench.ts"
import type { Case } from "../Case.ts"

/** Options, a script, and what it says in a container made with them. */
const found: ReadonlyArray<readonly [name: string, options: Partial<CreateOptions>, script: string, stdout: string]> = [
  ["its variables", { env: ["COLOUR=blue", "COLOUR=green"] }, "echo $COLOUR", "green\n"],
  ["its working directory", { workdir: "/tmp" }, "pwd", "/tmp\n"],
  ["its hostname", { hostname: "depot" }, "hostname", "depot\n"],
  ["its user", { user: "guest" }, "id -u", "405\n"],
  ["its user by number", { user: "1234" }, "id -u", "1234\n"],
  // one number: runc 1.1, whose language raises its own limit, was seen to give a program the second for the first
  ["a limit", { ulimit: ["nofile=1000:1000"] }, "ulimit -n", "1000\n"],
  ["the capabilities that Podman gives", {}, "grep CapEff /proc/self/status", capEff("00000000800405fb")],
  ["another capability", { capAdd: ["net_raw"] }, "grep CapEff /proc/self/status", capEff("00000000800425fb")],
  ["a capability less", { capDrop: ["CHOWN"] }, "grep CapEff /proc/self/status", capEff("00000000800405fa")],
]

function capEff(mask: string) {
  return `CapEff:\t${mask}\n`
}

export const creating: ReadonlyArray<Case> = [
  ...found.map(([name, options, script, stdout]): Case => ({
    name: `a container has ${name}`,
    run: Effect.gen(function* () {
      const id = yield* running(options)
      expect(yield* inside(id, script)).toEqual({ code: 0, stdout, stderr: "" })
    }),
  })),
  {
    name: "a container is created, and runs only when it is started",
    run: Effect.gen(function* () {
      const engine = yield* ContainerEngine
      const name = unique("created")
      const id = yield* created({ name })
      expect(id).toMatch(/^[0-9a-f]{64}$/)
      expect(yield* statusOf(name)).toBe("created")
      expect(one(yield* engine.start(Selection.names(name)))).toBe(id)
      expect(yield* statusOf(id.slice(0, 12))).toBe("running")
      yield* beyond(name, 1)
    }),
  },
  {
    name: "a container is shown with what it was made of",
    run: Effect.gen(function* () {
      const engine = yield* ContainerEngine
      const id = yield* created({
        label: ["tier=front", "bare"],
        annotation: ["note=kept"],
        stopSignal: "HUP",
        stopTimeout: 3,
        shmSize: "1m",
        autoRemove: true,
        interactive: true,
        tty: true,
        privileged: true,
        readOnly: true,
        entrypoint: "sh",
        command: ["-c", "true"],
        network: ["host"],
        createCommand: ["tool", "create"],
      })
      const shown = yield* engine.inspect(id)
      expect(shown).toMatchObject({
        Id: id,
        Path: "sh",
        Args: ["-c", "true"],
        Config: {
          Labels: { tier: "front", bare: "" },
          StopSignal: "SIGHUP",
          StopTimeout: 3,
          OpenStdin: true,
          Tty: true,
          CreateCommand: ["tool", "create"],
        },
        HostConfig: {
          AutoRemove: true,
          NetworkMode: "host",
          Privileged: true,
          ReadonlyRootfs: true,
          ShmSize: 2 ** 20,
        },
      })
      expect(shown.Config.Annotations).toMatchObject({ note: "kept" })
    }),
  },
  {
    name: "a container without a name gets one",
    run: Effect.gen(function* () {
      const engine = yield* ContainerEngine
      const id = yield* created()
      const { Name } = yield* engine.inspect(id)
      expect(Name).toMatch(/^[a-z]+_[a-z]+/)
      expect(yield* engine.exists(Name)).toBe(true)
    }),
  },
  {
    name: "a container with --rm is gone when it has ended",
    run: Effect.gen(function* () {
      const engine = yield* ContainerEngine
      const id = yield* running({ autoRemove: true, command: ["sh", "-c", "sleep 0.2; exit 3"] })
      // whoever looks again finds it gone
      expect(one(yield* engine.wait(Selection.names(id), { ignore: false, intervalMillis: 3000 }))).toBe(3)
      yield* Effect.gen(function* () {
        while (yield* engine.exists(id)) yield* Effect.sleep("30 millis")
      }).pipe(Effect.timeout("20 seconds"))
    }),
  },
  {
    name: "the root filesystem of a container with --read-only is not written to, /dev/shm is",
    run: Effect.gen(function* () {
      const id = yield* running({ readOnly: true })
      expect((yield* inside(id, "echo x > /etc/new")).code).not.toBe(0)
      expect((yield* inside(id, "echo x > /dev/shm/new && cat /dev/shm/new")).stdout).toBe("x\n")
    }),
  },
  {
    name: "an entrypoint takes the command as its arguments",
    run: Effect.gen(function* () {
      const engine = yield* ContainerEngine
      const id = yield* running({ entrypoint: '["echo","-n"]', command: ["one", "two"] })
      yield* engine.wait(Selection.names(id), { ignore: false, intervalMillis: 50 })
      expect(yield* said(id)).toBe("one two")
    }),
  },
  {
    name: "a container is refused for its name, its values, its image",
    run: Effect.gen(function* () {
      const engine = yield* ContainerEngine
      const taken = unique("taken")
      const id = yield* created({ name: taken })
      const refusals: ReadonlyArray<readonly [Partial<CreateOptions>, tag: string, text: string]> = [
        [{ name: "no/slash" }, "NameInvalid", "names must match [a-zA-Z0-9][a-zA-Z0-9_.-]*"],
        [{ name: taken }, "NameInUse", `the container name "${taken}" is already in use by ${id}`],
        [{ shmSize: "much" }, "ContainerOptionInvalid", "unable to translate --shm-size: invalid size: 'much'"],
        [{ stopSignal: "NOPE" }, "SignalInvalid", "invalid signal: NOPE"],
        [{ capAdd: ["FLY"] }, "ContainerOptionInvalid", '"CAP_FLY": unknown capability'],
        [{ ulimit: ["nofile"] }, "ContainerOptionInvalid", 'ulimit option "nofile" requires name=SOFT:HARD'],
        [{ label: ["=web"] }, "ContainerOptionInvalid", 'unable to process labels: invalid label format: "=web"'],
        [{ restart: "sometimes" }, "ContainerOptionInvalid", '"sometimes" is not a valid restart policy'],
        [
          { restart: "always:3" },
          "ContainerOptionInvalid",
          "retries can only be specified with on-failure restart policy",
        ],
        [{ restart: "always", autoRemove: true }, "ContainerOptionInvalid", "the --rm option conflicts with --restart"],
        [{ healthCmd: "true", healthInterval: "soon" }, "OptionInvalid", "invalid healthcheck-interval"],
        [{ healthCmd: "true", healthTimeout: "0s" }, "OptionInvalid", "healthcheck-timeout must be at least 1 second"],
        [{ healthCmd: "true", healthStartPeriod: "-1s" }, "OptionInvalid", "healthcheck-start-period must be 0"],
        [{ healthCmd: "true", healthRetries: 0 }, "OptionInvalid", "healthcheck-retries must be greater than 0"],
        [{ healthCmd: "true", noHealthcheck: true }, "OptionInvalid", "cannot specify both --no-healthcheck and"],
        [{ image: "no/such:image", pull: "never" }, "ImageNotFound", "no/such:image: image not known"],
        [{ pid: "shared" }, "NamespaceModeInvalid", "unrecognized namespace mode shared passed"],
        [{ ipc: "pod" }, "NamespaceRefused", "not joining a pod"],
        [{ uts: "host", hostname: "x" }, "NamespaceRefused", "cannot set hostname when running in the host UTS"],
        [
          { network: ["container:nobody"] },
          "NamespaceOwnerMissing",
          'looking up container to share net namespace with: no container with name or ID "nobody" found',
        ],
      ]
      for (const [options, tag, text] of refusals) {
        const failure = yield* failureOf(engine.create(yield* createOptions(options)))
        expect([failure._tag, failure.message]).toEqual([tag, expect.stringContaining(text)])
      }
    }),
  },
  {
    name: "a user or a working directory that is not there leaves a container that has not run",
    run: Effect.gen(function* () {
      const engine = yield* ContainerEngine
      const cases: ReadonlyArray<readonly [Partial<CreateOptions>, (id: string) => string]> = [
        [{ user: "nobody-here" }, () => "unable to find user nobody-here: no matching entries in passwd file"],
        [{ user: "0:nobody-here" }, () => "unable to find group nobody-here: no matching entries in group file"],
        [{ user: "2147483648" }, () => "uids and gids must be in range 0-2147483647"],
        [{ workdir: "/not/here" }, (id) => `workdir "/not/here" does not exist on container ${id}`],
        [{ workdir: "/etc/passwd" }, (id) => `workdir "/etc/passwd" exists on container ${id}, but is not a directory`],
      ]
      for (const [options, text] of cases) {
        const id = yield* created(options)
        const [item] = yield* engine.start(Selection.names(id))
        expect(item?.result).toMatchObject({
          _tag: "Failure",
          failure: { message: expect.stringContaining(text(id)) },
        })
        expect(yield* statusOf(id)).toBe("created")
      }
    }),
  },
  {
    name: "a program that is not there leaves a container that has not run, and says why",
    run: Effect.gen(function* () {
      const engine = yield* ContainerEngine
      const id = yield* created({ command: ["no-such-program"] })
      const [item] = yield* engine.start(Selection.names(id))
      expect(item?.result).toMatchObject({
        _tag: "Failure",
        failure: {
          _tag: "CommandNotStarted",
          message: expect.stringContaining("OCI runtime attempted to invoke a command that was not found"),
        },
      })
      expect((yield* engine.inspect(id)).State).toMatchObject({
        Status: "created",
        Error: expect.stringContaining("OCI runtime attempted to invoke a command that was not found"),
      })
    }),
  },
  {
    name: "a container has the runtime that is named for it, or else the engine's own",
    run: Effect.gen(function* () {
      const engine = yield* ContainerEngine
      const runtimeOf = (id: string) => Effect.map(engine.inspect(id), ({ OCIRuntime }) => OCIRuntime)
      const other = (yield* runtimeOf(yield* created())) === "crun" ? "runc" : "crun"
      expect(yield* runtimeOf(yield* created({ runtime: other }))).toBe(other)
    }),
  },
  {
    name: "a container that joins another one's namespaces starts it, keeps it, and may go with it",
    run: Effect.gen(function* () {
      const engine = yield* ContainerEngine
      const owner = yield* created()
      const joined = `container:${owner}`
      const guest = yield* running({ pid: joined, ipc: joined, uts: joined, network: [joined] })
      expect(yield* statusOf(owner)).toBe("running")
      expect(yield* engine.inspect(guest)).toMatchObject({
        Dependencies: [owner],
        HostConfig: { PidMode: joined, IpcMode: joined, UTSMode: joined, NetworkMode: joined },
      })
      const force = { force: true, ignore: false, timeSeconds: 0 }
      expect(refusal(yield* engine.remove(Selection.names(owner), force)).message).toBe(
        `container ${owner} has dependent containers which must be removed before it: ${guest}: container already exists`,
      )
      expect(one(yield* engine.remove(Selection.names(owner), { ...force, depend: true }))).toBe(owner)
      expect([yield* engine.exists(owner), yield* engine.exists(guest)]).toEqual([false, false])
    }),
  },
]
