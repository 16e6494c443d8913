/**
 * Which options the cases have really used.
 *
 * The options come from where they are declared, so that a new one without a case is noticed; what a case uses is seen at the
 * engine, so that no case can claim what it does not do.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { CheckpointEngine, type MemorySearch } from "../../CheckpointEngine.ts"
import { ContainerEngine } from "../../ContainerEngine.ts"
import { type ArchiveSource, ImageEngine } from "../../ImageEngine.ts"
import type { OptionFacts, Options } from "../../Option.ts"
import { CheckpointFlags, type CheckpointOptions } from "../../options/CheckpointOptions.ts"
import { CheckpointDiffFlags, CheckpointInspectFlags, MemorySearchFlags } from "../../options/CheckpointViewOptions.ts"
import {
  ExecFlags,
  KillFlags,
  ListFlags,
  LogsFlags,
  PauseFlags,
  RemoveFlags,
  StartFlags,
  StopFlags,
  WaitFlags,
} from "../../options/ContainerOptions.ts"
import { RunFlags } from "../../options/CreateOptions.ts"
import {
  BuildFlags,
  ImageListFlags,
  ImageRemoveFlags,
  ImportFlags,
  LoadFlags,
  PullFlags,
  PushFlags,
  SaveFlags,
} from "../../options/ImageOptions.ts"
import { RestoreFlags, type RestoreOptions, type RestoreSource } from "../../options/RestoreOptions.ts"
import { CheckFlags } from "../../options/SystemOptions.ts"
import { VolumeCreateFlags, VolumeListFlags, VolumePruneFlags, VolumeRemoveFlags } from "../../options/VolumeOptions.ts"
import type { ContainerSelection } from "../../Selection.ts"
import { SystemEngine } from "../../SystemEngine.ts"
import { VolumeEngine } from "../../VolumeEngine.ts"
import type { Engines } from "./Case.ts"

/** The options of every operation. */
const operations = {
  run: RunFlags,
  start: StartFlags,
  stop: StopFlags,
  kill: KillFlags,
  pause: PauseFlags,
  unpause: PauseFlags,
  wait: WaitFlags,
  remove: RemoveFlags,
  list: ListFlags,
  logs: LogsFlags,
  exec: ExecFlags,
  checkpoint: CheckpointFlags,
  restore: RestoreFlags,
  "checkpoint inspect": CheckpointInspectFlags,
  "checkpoint diff": CheckpointDiffFlags,
  "checkpoint memory search": MemorySearchFlags,
  "image build": BuildFlags,
  "image import": ImportFlags,
  "image load": LoadFlags,
  "image save": SaveFlags,
  "image pull": PullFlags,
  "image push": PushFlags,
  "image remove": ImageRemoveFlags,
  "image list": ImageListFlags,
  "volume create": VolumeCreateFlags,
  "volume list": VolumeListFlags,
  "volume remove": VolumeRemoveFlags,
  "volume prune": VolumePruneFlags,
  "system check": CheckFlags,
} as const satisfies Readonly<Record<string, Options>>
type Operation = keyof typeof operations

/** Options that end in the command line, and those that no case of any engine can show. */
const commandLine: ReadonlySet<string> = new Set([
  "run.detach",
  // what is shared can be seen of processes of this machine only: `test/real/pods.test.ts`
  "run.pod",
  "logs.latest",
  "logs.timestamps",
  "exec.latest",
  "checkpoint.printStats",
  "restore.printStats",
  "image build.iidfile",
  "image build.layers",
  "image build.rm",
  "image build.forceRm",
  "image import.quiet",
  "image load.quiet",
  "image save.quiet",
])

export const everyOption: ReadonlyArray<string> = Object.entries(operations).flatMap(([operation, options]) =>
  Object.keys(options).map((name) => `${operation}.${name}`),
)

export interface Recorder {
  /** The same engines, listened to. */
  readonly listen: <E>(engines: Layer.Layer<Engines, E>) => Layer.Layer<Engines, E>
  /** Options of engines that no operation has been given, or only at their defaults. */
  readonly unused: () => ReadonlyArray<string>
  /** Exceptions that are none: no such option, or one that an engine was given after all. */
  readonly wrongExceptions: () => ReadonlyArray<string>
}

export const makeRecorder = (): Recorder => {
  const used = new Set<string>()
  /** Options at other values than their defaults; lists that hold something, texts that say something. */
  const note = (operation: Operation, values: Readonly<Record<string, unknown>>) => {
    for (const [name, { fallback, kind }] of Object.entries<OptionFacts>(operations[operation])) {
      const value = values[name]
      if (value === undefined) continue
      const isDefault = kind === "strings" ? (value as ReadonlyArray<string>).length === 0 : value === fallback
      if (!isDefault) used.add(`${operation}.${name}`)
    }
  }
  return {
    listen: (engines) => listening(note, engines),
    unused: () => everyOption.filter((option) => !used.has(option) && !commandLine.has(option)),
    wrongExceptions: () => [...commandLine].filter((option) => !everyOption.includes(option) || used.has(option)),
  }
}

type Note = (operation: Operation, values: Readonly<Record<string, unknown>>) => void

const listening = <E>(note: Note, engines: Layer.Layer<Engines, E>): Layer.Layer<Engines, E> =>
  Layer.effectContext(
    Effect.gen(function* () {
      const built = yield* Layer.build(engines)
      return Context.mergeAll(
        Context.make(CheckpointEngine, checkpointEngine(note, Context.get(built, CheckpointEngine))),
        Context.make(ContainerEngine, containerEngine(note, Context.get(built, ContainerEngine))),
        Context.make(ImageEngine, imageEngine(note, Context.get(built, ImageEngine))),
        Context.make(VolumeEngine, volumeEngine(note, Context.get(built, VolumeEngine))),
        Context.make(SystemEngine, systemEngine(note, Context.get(built, SystemEngine))),
      )
    }),
  )

const selected = (selection: ContainerSelection) => ({
  all: selection._tag === "All",
  latest: selection._tag === "Latest",
})

const containerEngine = (note: Note, engine: ContainerEngine["Service"]): ContainerEngine["Service"] =>
  ContainerEngine.of({
    ...engine,
    create: (options) => {
      note("run", options as never)
      return engine.create(options)
    },
    start: (selection) => {
      note("start", selected(selection))
      return engine.start(selection)
    },
    startAttached: (ref, streams, begun) => {
      note("start", { attach: true, interactive: streams.input !== undefined })
      return engine.startAttached(ref, streams, begun)
    },
    stop: (selection, options) => {
      note("stop", { ...selected(selection), ignore: options.ignore, time: options.timeSeconds })
      return engine.stop(selection, options)
    },
    kill: (selection, options) => {
      note("kill", { ...selected(selection), ...options })
      return engine.kill(selection, options)
    },
    pause: (selection) => {
      note("pause", selected(selection))
      return engine.pause(selection)
    },
    unpause: (selection) => {
      note("unpause", selected(selection))
      return engine.unpause(selection)
    },
    wait: (selection, options) => {
      note("wait", { ...selected(selection), ignore: options.ignore, interval: `${options.intervalMillis}ms` })
      return engine.wait(selection, options)
    },
    remove: (selection, options) => {
      note("remove", { ...selected(selection), ...options, time: options.timeSeconds })
      return engine.remove(selection, options)
    },
    list: (flags) => {
      note("list", flags)
      return engine.list(flags)
    },
    logs: (ref, flags) => {
      note("logs", flags)
      return engine.logs(ref, flags)
    },
    exec: (ref, options, streams) => {
      note("exec", options as never)
      return engine.exec(ref, options, streams)
    },
    execDetached: (ref, options) => {
      note("exec", { ...options, detach: true } as never)
      return engine.execDetached(ref, options)
    },
    checkpoint: (selection, options) => {
      note("checkpoint", { ...selected(selection), ...checkpointValues(options) })
      return engine.checkpoint(selection, options)
    },
    restore: (source, options) => {
      note("restore", restoreValues(source, options))
      return engine.restore(source, options)
    },
  })

const checkpointEngine = (note: Note, engine: CheckpointEngine["Service"]): CheckpointEngine["Service"] =>
  CheckpointEngine.of({
    ...engine,
    inspect: (source, options) => {
      note("checkpoint inspect", options)
      return engine.inspect(source, options)
    },
    diff: (before, after, options) => {
      note("checkpoint diff", options)
      return engine.diff(before, after, options)
    },
    search: (source, options) => {
      note("checkpoint memory search", searchValues(options))
      return engine.search(source, options)
    },
  })

const searchValues = ({ contextBytes, pattern, pid = 0 }: MemorySearch): MemorySearchFlags => ({
  pid,
  context: contextBytes,
  search: pattern._tag === "Text" ? pattern.pattern : "",
  searchRegex: pattern._tag === "Expression" ? pattern.pattern : "",
})

const checkpointValues = ({
  ghostLimitBytes,
  phase,
  target,
  ...options
}: CheckpointOptions): Partial<CheckpointFlags> => ({
  ...options,
  ...(ghostLimitBytes === undefined ? {} : { ghostLimit: String(ghostLimitBytes) }),
  preCheckpoint: phase === "preCheckpoint",
  withPrevious: phase === "withPrevious",
  ...(target._tag === "Image" ? { createImage: target.name } : {}),
  ...(target._tag === "Archive"
    ? {
        export: target.destination._tag === "File" ? target.destination.path : "stream",
        compress: target.compression,
        ignoreRootfs: target.ignoreRootfs,
        ignoreVolumes: target.ignoreVolumes,
      }
    : {}),
})

const pathOf = (source: ArchiveSource | undefined) => (source?._tag === "File" ? source.path : "")

const restoreValues = (
  source: RestoreSource,
  { policy, tcp, ...options }: RestoreOptions,
): Readonly<Record<string, unknown>> => ({
  ...options,
  policy: policy === undefined ? "" : "given",
  tcpEstablished: tcp === "keep",
  tcpClose: tcp === "close",
  ...(source._tag === "Archive"
    ? { import: pathOf(source.archive), importPrevious: pathOf(source.previous) }
    : selected(source)),
})

const imageEngine = (note: Note, engine: ImageEngine["Service"]): ImageEngine["Service"] =>
  ImageEngine.of({
    ...engine,
    build: (context, options) => {
      note("image build", options as never)
      return engine.build(context, options)
    },
    import: (source, options) => {
      note("image import", { change: options.changes, message: options.message })
      return engine.import(source, options)
    },
    load: (source) => {
      note("image load", { input: pathOf(source) })
      return engine.load(source)
    },
    save: (ref, options) => {
      const { destination, format } = options
      note("image save", { format, output: destination._tag === "File" ? destination.path : "" })
      return engine.save(ref, options)
    },
    pull: (ref, flags) => {
      note("image pull", flags)
      return engine.pull(ref, flags)
    },
    push: (ref, destination, flags) => {
      note("image push", flags)
      return engine.push(ref, destination, flags)
    },
    remove: (refs, options) => {
      note("image remove", options)
      return engine.remove(refs, options)
    },
    list: (flags, refs) => {
      note("image list", flags)
      return engine.list(flags, refs)
    },
  })

const volumeEngine = (note: Note, engine: VolumeEngine["Service"]): VolumeEngine["Service"] =>
  VolumeEngine.of({
    ...engine,
    create: (options) => {
      note("volume create", options as never)
      return engine.create(options)
    },
    list: (flags) => {
      note("volume list", flags)
      return engine.list(flags)
    },
    remove: (selection, options) => {
      note("volume remove", { all: selection._tag === "All", force: options.force, time: options.timeSeconds })
      return engine.remove(selection, options)
    },
    prune: (flags) => {
      note("volume prune", flags)
      return engine.prune(flags)
    },
  })

const systemEngine = (note: Note, engine: SystemEngine["Service"]): SystemEngine["Service"] =>
  SystemEngine.of({
    ...engine,
    check: (flags) => {
      note("system check", flags)
      return engine.check(flags)
    },
  })
