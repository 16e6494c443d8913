/**
 * The container is never lost: every step after the freeze is broken, or the process killed in it, and the container is
 * found running or restorable, the store as before, nothing left mounted. Each fault is then brought about again with its
 * protection taken out of the program, to show that the test would notice.
 */
import * as fs from "node:fs"
import { describe } from "vitest"
import { type Change, dieHere } from "./support/brokenBuild.ts"
import { eventually, type Host } from "./support/Host.ts"
import {
  changed,
  type Complaints,
  leftBehind,
  lost,
  mountsOf,
  refused,
  standing,
  surroundings,
  withoutProcesses,
} from "./support/lost.ts"
import { abi, type Build, counting, dying, forgetfulRepair, proven } from "./support/proven.ts"
import { counter } from "./support/workloads.ts"

/** A store whose layers cannot be written to, for the time of some work. */
const readOnlyLayers = async <A>(host: Host, work: () => Promise<A>): Promise<A> => {
  const layers = host.path("layers")
  await host.shell(`mkdir -p ${layers}/sha256; mount --bind ${layers} ${layers}; mount -o remount,bind,ro ${layers}`)
  const done = await work()
  await host.shell(`umount ${layers}`)
  return done
}

const pending = (find: string, replace: string): Change => ({
  file: "packages/images/src/PendingImages.ts",
  find,
  replace,
})

const rescue = abi(
  "checkpoint/checkpoint.ts",
  "Effect.flatMap(rescue(plan), (aftermath) =>",
  'Effect.flatMap(Effect.succeed({ container: "running" as const }), (aftermath) =>',
)
const thaw = abi(
  "checkpoint/freeze.ts",
  "if (isPaused(plan)) yield* Effect.ignore((yield* OciRuntime).resume(record.config.runtime, record.id))",
  "",
)
describe("a step that fails", () => {
  proven([
    {
      title: "a bad image name is refused before the freeze",
      complaint: "status 0",
      protection: [abi("checkpoint/sink.ts", "yield* Effect.fromResult(newName(target.name))", "target.name")],
      happens: async (host) => {
        await counting(host, "web")
        const pid = await host.inspect("web", "{{.State.Pid}}")
        const before = await surroundings(host)
        const ran = await host.run("container", "checkpoint", "--create-image", "BAD NAME", "web")
        return [
          ...refused(ran, /invalid reference format/),
          ...((await host.inspect("web", "{{.State.Pid}}")) === pid ? [] : ["the processes are not the same"]),
          ...changed(before, await surroundings(host)),
          ...(await lost(host, "web")),
        ]
      },
    },
    {
      title: "a store that cannot be written to leaves the container running",
      complaint: "stands still",
      protection: [rescue],
      happens: async (host) => {
        await counting(host, "web")
        const before = await surroundings(host)
        const ran = await readOnlyLayers(host, () =>
          host.run("container", "checkpoint", "--create-image", "web:1", "web"),
        )
        return [
          ...refused(ran, /the container runs on/),
          ...(await standing(host, "web")),
          ...(await lost(host, "web")),
          ...changed(before, await surroundings(host)),
          ...(await leftBehind(host)),
        ]
      },
    },
    {
      title: "a store that cannot be written to, with --leave-running, leaves the container going on",
      complaint: "stands still",
      protection: [thaw],
      happens: async (host) => {
        await counting(host, "web")
        const ran = await readOnlyLayers(host, () =>
          host.run("container", "checkpoint", "--leave-running", "--create-image", "web:1", "web"),
        )
        return [
          ...refused(ran, /the container runs on/),
          ...(await standing(host, "web")),
          ...(await lost(host, "web")),
        ]
      },
    },
    {
      title: "held locks are refused by name, and the container goes on",
      complaint: "stands still",
      protection: [abi("checkpoint/take.ts", "yield* thaw(plan)\n  if (Exit.", "if (Exit.")],
      happens: async (host) => {
        await counting(host, "locked", "flock", "/tmp/lock")
        const ran = await host.run("container", "checkpoint", "--leave-running", "locked")
        return [
          ...refused(ran, /failed: exit status 1.*lock/s),
          ...(await standing(host, "locked")),
          ...(await lost(host, "locked")),
        ]
      },
    },
    {
      title: "a container that was paused for its dump goes on when that is refused",
      complaint: "stands still",
      on: { cgroups: "v2", runtime: "crun" },
      protection: [thaw],
      happens: async (host) => {
        await counting(host, "locked", "flock", "/tmp/lock")
        const ran = await host.run("container", "checkpoint", "locked")
        return [
          ...refused(ran, /failed: exit status 1.*lock/s),
          ...(await standing(host, "locked")),
          ...(await lost(host, "locked")),
        ]
      },
    },
    {
      title: "a restore from an image that fails leaves nothing behind and the image as it was",
      complaint: "a container is left",
      protection: [
        forgetfulRepair,
        abi("restore/restoreNew.ts", "Effect.onError(() => Effect.ignore(erase(record))),", ""),
      ],
      happens: async (host) => {
        await counting(host, "web")
        await host.ok("container", "checkpoint", "--create-image", "web:2", "web")
        await host.ok("rm", "web")
        const before = await surroundings(host)
        const ran = await withoutProcesses(host.path("layers"), () => host.run("container", "restore", "web:2"))
        const complaints = [...refused(ran, /OCI runtime error: runc/), ...changed(before, await surroundings(host))]
        if ((await host.ok("ps", "-aq")) !== "") complaints.push("a container is left")
        const again = await host.run("container", "restore", "web:2")
        return [...complaints, ...(again.status === 0 ? await lost(host, "web") : [again.stderr])]
      },
    },
    {
      title: "a restore in place that fails leaves the container with its checkpoint",
      complaint: "mounts",
      protection: [
        abi("container/repair.ts", 'case "restore":\n', 'case "restore":\n      return record\n'),
        abi("restore/restoreContainer.ts", "Effect.onError(() => Effect.ignore(undo(before))),", ""),
      ],
      happens: async (host) => {
        await counting(host, "web")
        await host.ok("container", "checkpoint", "web")
        const before = await surroundings(host)
        const ran = await withoutProcesses(host.path("containers"), () => host.run("container", "restore", "web"))
        const mounts = await mountsOf(host)
        return [
          ...refused(ran, /OCI runtime error: runc/),
          ...(mounts === before.mounts ? [] : [`${mounts} mounts instead of ${before.mounts}`]),
          ...(await lost(host, "web")),
        ]
      },
    },
  ])
})

describe("a full disk", () => {
  const withFile = (mebibytes: number) => [
    "sh",
    "-c",
    `dd if=/dev/urandom of=/big bs=1M count=${mebibytes} 2>/dev/null; ${counter[2] ?? ""}`,
  ]
  const noRoomForFiles = async (host: Host): Promise<Complaints> => {
    await host.ok("run", "-d", "--name", "wide", "base", ...withFile(28))
    await host.beyond("wide", 1)
    const before = await surroundings(host)
    const ran = await host.run("container", "checkpoint", "--create-image", "wide:1", "wide")
    return [
      ...refused(ran, /collect:.*the container runs on/s),
      ...(await standing(host, "wide")),
      ...(await lost(host, "wide")),
      ...changed(before, await surroundings(host)),
      ...(await leftBehind(host)),
    ]
  }
  proven([
    {
      title: "that has no room for the changed files leaves the container running",
      complaint: "stands still",
      disk: "small",
      protection: [rescue],
      happens: noRoomForFiles,
    },
    {
      title: "that has no room for both, the memory and the files, leaves the container running",
      complaint: "stands still",
      disk: "small",
      on: { cgroups: "v2", runtime: "crun" },
      protection: [rescue, thaw],
      happens: noRoomForFiles,
    },
    {
      title: "that has no room for the memory is found before the freeze",
      complaint: "status 0",
      disk: "small",
      protection: [
        abi("checkpoint/space.ts", "if (need.neededBytes > need.availableBytes)", "if (need.neededBytes < 0)"),
      ],
      happens: async (host) => {
        await host.ok("run", "-d", "--name", "deep", "base", ...withFile(44))
        await host.beyond("deep", 1)
        const ran = await host.run("container", "checkpoint", "deep")
        return [...refused(ran, /no space for the checkpoint/), ...(await lost(host, "deep"))]
      },
    },
  ])
})

describe("a process that is killed", () => {
  const killed = ({ status }: { readonly status: number }): Complaints =>
    status === 137 ? [] : [`status ${status}: not killed`]

  /** Freeze into an image with a program that dies on the way, and look with one that does not. */
  const duringCheckpoint =
    (death: ReadonlyArray<Change> | Change, ...options: ReadonlyArray<string>) =>
    async (host: Host, build: Build): Promise<Complaints> => {
      // the build that dies is also the one that conmon calls when the container has ended
      const dies = await build(...[death].flat())
      await counting(dies, "web")
      const ran = await dies.run("container", "checkpoint", ...options, "--create-image", "web:killed", "web")
      // the next command that has to do with the container puts it right
      await host.run("kill", "--signal", "CONT", "web")
      const runsOn = options.includes("--leave-running") || death === beforeTheDump
      const stands = runsOn ? await standing(host, "web") : []
      const complaints = [...killed(ran), ...stands, ...(await lost(host, "web"))]
      await host.run("rm", "-f", "-t", "0", "web")
      if ((await mountsOf(host)) > 0) complaints.push("something is still mounted")
      // what was half made is swept by the next one
      await counting(host, "next")
      await host.ok("container", "checkpoint", "--create-image", "next:1", "next")
      return [...complaints, ...(await leftBehind(host))]
    }

  const restorable = abi(
    "container/repair.ts",
    "const restorable = yield* hasCompleteDump(paths)",
    "const restorable = false",
  )
  const goesOn = abi(
    "container/repair.ts",
    'if (status === "paused") yield* Effect.ignore(runtime.resume(record.config.runtime, record.id))',
    "",
  )
  const beforeTheDump = dying("checkpoint/dump.ts", "const dumping =")
  const whileFilesAreTaken = dying("checkpoint/collect.ts", "const { archived, deleted } = yield* rootfsDiff(")
  const filesAre = "const lower = yield* (yield* RootFilesystems).unpacked(record.config.imageId)"
  const whileBothAreTaken = abi(
    "checkpoint/collect.ts",
    filesAre,
    `while (!fs.existsSync(paths.checkpoint + "/core-1.img")) yield* Effect.sleep("1 millis")
     yield* Effect.sync(() => { ${dieHere} })
     ${filesAre}`,
  )
  const stopWrittenDown =
    "const stopped = yield* containers.update(record.id, (state) => checkpointed(state, plan, at))"
  proven([
    {
      title: "before the dump leaves the container running",
      complaint: "nobody says that it can be restored",
      protection: [
        abi(
          "container/repair.ts",
          "if (yield* reallyRuns(record)) return yield* adopt(record)\n  const restorable",
          "const restorable",
        ),
      ],
      happens: duringCheckpoint(beforeTheDump),
    },
    {
      title: "between the pause and the dump leaves a container that goes on with the next command",
      complaint: "stands still",
      on: { cgroups: "v2", runtime: "crun" },
      protection: [goesOn],
      happens: duringCheckpoint(beforeTheDump),
    },
    {
      title: "right after the dump leaves the container restorable",
      complaint: "nobody says that it can be restored",
      protection: [restorable],
      happens: duringCheckpoint(dying("checkpoint/dump.ts", "const runtimeMicros =")),
    },
    {
      title: "while files are taken leaves the container restorable",
      complaint: "nobody says that it can be restored",
      protection: [restorable],
      happens: duringCheckpoint(whileFilesAreTaken),
    },
    {
      title: "while files are taken and CRIU takes the memory leaves the container restorable",
      complaint: "nobody says that it can be restored",
      on: { cgroups: "v2", runtime: "crun" },
      protection: [restorable],
      happens: duringCheckpoint(whileBothAreTaken),
    },
    {
      title: "before the image is made leaves the container restorable, and nothing half made for long",
      complaint: "left behind",
      protection: [
        {
          file: "packages/host/src/TemporaryArea.ts",
          find: "for (const name of abandoned)",
          replace: "for (const name of abandoned.slice(0, 0))",
        },
      ],
      happens: duringCheckpoint(dying("checkpoint/commitImage.ts", "const facts = yield* checkpointFacts(")),
    },
    {
      title: "when the image is made leaves the container restorable",
      complaint: "nobody says that it can be restored",
      protection: [restorable],
      happens: duringCheckpoint(dying("checkpoint/settle.ts", "const { options, paths, record } = plan")),
    },
    {
      title: "before the stop is written down leaves the container restorable",
      complaint: "nobody says that it can be restored",
      protection: [restorable],
      happens: duringCheckpoint(dying("checkpoint/settle.ts", stopWrittenDown)),
    },
    {
      title: "after the stop is written down leaves the container restorable",
      complaint: "nobody says that it can be restored",
      protection: [abi("checkpoint/settle.ts", stopWrittenDown, "const stopped = record"), restorable],
      happens: duringCheckpoint(dying("checkpoint/settle.ts", "yield* lastWords(plan)")),
    },
    {
      title: "with --leave-running leaves a container that goes on with the next command",
      complaint: "stands still",
      protection: [goesOn],
      happens: duringCheckpoint(whileFilesAreTaken, "--leave-running"),
    },
  ])

  const digestLater = abi(
    "checkpoint/commitImage.ts",
    "const readAtOnceBytes = 8 * 2 ** 20",
    "const readAtOnceBytes = 0",
  )
  /** What begins behind a checkpoint dies with the digest taken and the image not yet recorded. */
  const recording = pending(
    'void prepare("delete from pending_images',
    'void process.kill(process.pid, "SIGKILL") || prepare("delete from pending_images',
  )
  const handingOver = duringCheckpoint([
    digestLater,
    pending(
      "database.write((prepare) =>",
      `Effect.sync(() => { ${dieHere} })),\nEffect.andThen(database.write((prepare) =>`,
    ),
  ])
  proven([
    {
      title: "while an image gets its digest loses nothing of it",
      complaint: "no image",
      protection: [pending("yield* linkTree(source, unpacked)", "fs.renameSync(source, unpacked)")],
      happens: async (host, build) => {
        const dies = await build(digestLater, recording)
        await counting(dies, "web")
        await dies.ok("container", "checkpoint", "--create-image", "web:1", "web")
        await host.ok("rm", "web")
        const died = await dies.run("image", "exists", "web:1")
        const restored = await host.run("container", "restore", "web:1")
        const complaints = restored.status === 0 ? await lost(host, "web") : [`no image: ${restored.stderr}`]
        // those that died are swept by the next one
        await counting(host, "next")
        await host.ok("container", "checkpoint", "--create-image", "next:1", "next")
        return [
          ...killed(died),
          ...complaints,
          ...(await leftBehind(host)),
          ...fs.readdirSync(host.path("layers", "pending")).map((name) => `left behind: ${name}`),
        ]
      },
    },
    {
      title:
        "between the files of an image and its record leaves the container restorable, and nothing half made for long",
      complaint: "left behind",
      protection: [
        {
          file: "packages/images/src/ImageStore.ts",
          find: "[pendingDirectory(layout), (yield* database.read(selectPending)).map(({ token }) => token)],",
          replace: "",
        },
      ],
      happens: async (host, build) => {
        const complaints = await handingOver(host, build)
        return [...complaints, ...fs.readdirSync(host.path("layers", "pending")).map((name) => `left behind: ${name}`)]
      },
    },
  ])

  /** Restore from an image with a program that dies on the way, and again with one that does not. */
  const duringRestore =
    (death: Change) =>
    async (host: Host, build: Build): Promise<Complaints> => {
      await counting(host, "web")
      await host.ok("container", "checkpoint", "--create-image", "web:1", "web")
      await host.ok("rm", "web")
      const ran = await (await build(death)).run("container", "restore", "web:1")
      await host.run("container", "restore", "web:1")
      const complaints = [...killed(ran), ...(await lost(host, "web"))]
      await host.run("rm", "-f", "-t", "0", "web")
      if ((await mountsOf(host)) > 0) complaints.push("something is still mounted")
      return complaints
    }

  proven([
    {
      title: "during a restore before anything is mounted leaves no container",
      complaint: "nobody says that it can be restored",
      protection: [forgetfulRepair],
      happens: duringRestore(dying("restore/stage.ts", "yield* makeContainerDirectories(paths)")),
    },
    {
      title: "during a restore while files are replayed leaves no container",
      complaint: "nobody says that it can be restored",
      protection: [forgetfulRepair],
      happens: duringRestore(dying("restore/replay.ts", "const log = join(members")),
    },
    {
      title: "during a restore when the processes run already leaves a container that runs",
      complaint: "nobody says that it can be restored",
      protection: [forgetfulRepair],
      happens: duringRestore(dying("restore/settle.ts", "const at = DateTime.formatIso(yield* DateTime.now)")),
    },
    {
      title: "is told apart from one that works: a second command waits for the first",
      complaint: "ended: second,first",
      protection: [abi("container/ContainerScope.ts", "yield* holdLock(layout.container(id).lock)", "")],
      happens: async (host, build) => {
        const slow = await build(
          abi(
            "checkpoint/settle.ts",
            "const { options, paths, record } = plan",
            'yield* Effect.sleep("4 seconds")\nconst { options, paths, record } = plan',
          ),
        )
        await counting(host, "web")
        const ended: Array<string> = []
        const first = slow
          .run("container", "checkpoint", "--leave-running", "--create-image", "web:a", "web")
          .finally(() => ended.push("first"))
        await eventually(
          async () => ((await host.run("image", "exists", "web:a")).status === 0 ? true : undefined),
          "the first to be nearly done",
        )
        const second = host
          .run("container", "checkpoint", "--leave-running", "--create-image", "web:b", "web")
          .finally(() => ended.push("second"))
        const both = await Promise.all([first, second, host.run("ps", "-a")])
        return [
          ...both.filter(({ status }) => status !== 0).map(({ stderr }) => stderr),
          ...(ended.join() === "first,second" ? [] : [`ended: ${ended.join()}`]),
          ...(await lost(host, "web")),
        ]
      },
    },
  ])
})
