/** `container checkpoint` and `container restore`. */
import {
  ArchiveInvalid,
  CheckpointEngine,
  CheckpointFlags,
  checkpointRequest,
  type CheckpointReport,
  type CheckpointRequest,
  type CheckpointSource,
  ContainerEngine,
  ImageEngine,
  type Items,
  NoSuchContainerOrImage,
  OptionConflict,
  RestoreFlags,
  type RestoreReport,
  restoreRequest,
  type RestoreRequest,
  sharedTarget,
  StorageFailed,
} from "@cryopod/entities"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { checkText, planText } from "../checkpointView.ts"
import { completeContainers } from "../completions.ts"
import { flagTable, givenOptions, optionsOf } from "../flags.ts"
import type { CliCommand, CommandFailure } from "../Handler.ts"
import { namesOrAll } from "../kit/index.ts"
import { printFailures, printItems, printWarning, reworded, writeError, writeOut } from "../output.ts"
import { withProgress } from "../progress.ts"
import { requireContainers } from "../named.ts"
import { withPolicyDocument } from "../restoreFlags.ts"

/** A name comes back as it was typed; what was found by `--all`, or made from an image, as its id. */
const nameOrId = (report: CheckpointReport | RestoreReport, input: string): string => input || report.Id

const dryRunFlags = (what: "frozen" | "restored") =>
  ({
    "dry-run": { kind: "bool", usage: `Say what would be ${what} and whether it would work; change nothing` },
  }) as const

/** The verdict on everything that would be frozen. */
const planned = Effect.fnUntraced(function* ({ options, selection }: CheckpointRequest) {
  const engine = yield* CheckpointEngine
  const refs = selection._tag === "Names" ? selection.names : yield* runningIds(selection)
  const plans = yield* Effect.forEach(refs, (ref) => engine.plan(ref, options))
  const shared = sharedTarget(
    options.target,
    plans.map(({ id }) => id),
  )
  if (shared !== undefined) return yield* shared
  // nothing is written where an archive would go
  for (const plan of plans) yield* writeOut(planText(plan))
  return plans.every(({ freezes }) => freezes) ? 0 : 1
})

/** What `--all` and `--latest` mean. */
const runningIds = Effect.fnUntraced(function* ({ _tag }: CheckpointRequest["selection"]) {
  const latest = _tag === "Latest"
  const rows = yield* (yield* ContainerEngine).list({
    all: false,
    latest,
    filter: latest ? [] : ["status=running"],
    last: -1,
    external: false,
    size: false,
  })
  return rows.filter(({ IsInfra }) => !IsInfra).map(({ Id }) => Id)
})

export const checkpoint: CliCommand = {
  name: "checkpoint",
  short: "Checkpoint one or more containers",
  long: "Checkpoint one or more running containers. The container name or ID can be used.",
  use: "[options] CONTAINER [CONTAINER...]",
  example:
    "cryopod container checkpoint --keep web\ncryopod container checkpoint --create-image web:1 web\ncryopod container checkpoint --all",
  flags: { ...flagTable(CheckpointFlags), ...dryRunFlags("frozen") },
  args: namesOrAll,
  complete: completeContainers,
  handler: (call) =>
    Effect.gen(function* () {
      const flags = withStandardOutput(optionsOf(CheckpointFlags, call))
      const given = givenOptions(CheckpointFlags, call)
      const { options, selection } = yield* Effect.fromResult(checkpointRequest(flags, call.args, given))
      if (selection._tag === "Names") yield* requireContainers(selection.names)
      if (call.flags["dry-run"] === true) return yield* planned({ options, selection })
      const began = yield* Clock.currentTimeNanos
      const items = yield* withProgress("Checkpointing", (yield* ContainerEngine).checkpoint(selection, options))
      yield* printWarnings(items)
      // nothing may follow an archive on standard output
      const aside = flags.export === standardOutput
      if (flags.printStats) {
        return yield* printStatistics("podman_checkpoint_duration", began, items, aside ? writeError : writeOut)
      }
      return yield* aside ? printFailures(items) : printItems(items, nameOrId)
    }),
}

const standardOutput = "/dev/stdout"

/** `--import -` reads standard input. */
const withStandardInput = (flags: RestoreFlags): RestoreFlags =>
  flags.import === "-" ? { ...flags, import: "/dev/stdin" } : flags

/** `--export -` writes to standard output. */
const withStandardOutput = (flags: CheckpointFlags): CheckpointFlags =>
  flags.export === "-" ? { ...flags, export: standardOutput } : flags

/** Podman looks into the archive for its runtime before everything else. */
const unopened =
  ({ import: archive, importPrevious: previous }: Pick<RestoreFlags, "import" | "importPrevious">) =>
  (failure: CommandFailure): CommandFailure => {
    const looking = `failed extracting runtime information from ${archive}`
    if (failure instanceof ArchiveInvalid && failure.archive === archive)
      return reworded(failure, `${looking}: unpacking of checkpoint archive ${archive} failed: ${failure.problem}`)
    if (!(failure instanceof StorageFailed) || failure.operation !== "open") return failure
    if (failure.path === archive)
      return reworded(
        failure,
        `${looking}: failed to open checkpoint archive ${archive} for import: ${failure.message}`,
      )
    return failure.path === previous
      ? reworded(failure, `failed to open pre-checkpoint archive for import: ${failure.message}`)
      : failure
  }

/** What stands against a container before anything is restored in it. */
const importFailures = new Set([
  "ContainerIdInUse",
  "NameInUse",
  "NetworkOptionInvalid",
  "PodRestoreRefused",
  "VolumeRestoreRefused",
])

/** Podman says of these whence the container was to come; a name that is taken cannot be replaced there. */
const unimported = (image: string, failure: CommandFailure): CommandFailure => {
  if (!importFailures.has(failure._tag)) return failure
  const words = failure._tag === "NameInUse" ? failure.message.replace(/, or use --replace .*$/, "") : failure.message
  return reworded(failure, `unable to import checkpoint from image: ${JSON.stringify(image)}: ${words}`)
}

/** While one of several names leads nowhere, nothing is restored. */
const requireImages = Effect.fnUntraced(function* (names: ReadonlyArray<string>) {
  const engine = yield* ImageEngine
  for (const ref of names) {
    const found = yield* Effect.orElseSucceed(engine.exists(ref), () => false)
    if (!found) return yield* new NoSuchContainerOrImage({ ref })
  }
})

/** The verdict on everything that would be restored. */
const dryRun = Effect.fnUntraced(function* ({ options, source }: RestoreRequest) {
  const engine = yield* CheckpointEngine
  const refs =
    source._tag === "Names" ? source.names : source._tag === "Archive" ? [] : yield* checkpointedNames(source)
  const sources: ReadonlyArray<CheckpointSource> =
    source._tag === "Archive" ? [source] : refs.map((ref) => ({ _tag: "Named", ref }))
  let status = 0
  for (const one of sources) {
    const found = yield* engine.check(one, options)
    yield* writeOut(checkText(found))
    if (!found.thaws) status = 1
  }
  return status
})

/** Containers with a checkpoint, the newest first. */
const checkpointedNames = Effect.fnUntraced(function* ({ _tag }: RestoreRequest["source"]) {
  const rows = yield* (yield* CheckpointEngine).list([])
  const names = rows.filter(({ kind }) => kind === "container").map(({ source }) => source)
  return _tag === "Latest" ? names.slice(0, 1) : names
})

export const restore: CliCommand = {
  name: "restore",
  short: "Restore one or more containers from a checkpoint",
  long: "Restore a container from a checkpoint. The container name or ID, or the name or ID of a checkpoint image can be used.",
  use: "[options] CONTAINER|IMAGE [CONTAINER|IMAGE...]",
  example:
    "cryopod container restore web\ncryopod container restore web:1\ncryopod container restore --name web2 web:1",
  flags: { ...flagTable(RestoreFlags), ...dryRunFlags("restored") },
  // with an archive, or without a name, what is wrong is said by the options
  args: (context) => {
    const { args, changed, flags } = context
    if (changed.has("import") || (args.length === 0 && flags["all"] !== true && flags["latest"] !== true))
      return undefined
    return flags["latest"] === true && flags["all"] !== true && args.length > 0
      ? new OptionConflict({ rule: "selectionBoth" }).message
      : namesOrAll(context)
  },
  complete: completeContainers,
  handler: (call) =>
    Effect.gen(function* () {
      const flags = yield* withPolicyDocument(withStandardInput(optionsOf(RestoreFlags, call)))
      const engine = yield* ContainerEngine
      const known = new Set<string>()
      for (const name of call.args) if (yield* engine.exists(name)) known.add(name)
      const inPlace = flags.all || flags.latest || known.size > 0 || call.args.length === 0
      const { options, source } = yield* Effect.fromResult(restoreRequest(flags, call.args, inPlace))
      if (source._tag === "Names") yield* requireImages(source.names.filter((name) => !known.has(name)))
      if (call.flags["dry-run"] === true) return yield* dryRun({ options, source })
      const began = yield* Clock.currentTimeNanos
      const restored = yield* withProgress("Restoring", engine.restore(source, options))
      const items = restored.map(({ input, result }) => ({
        input,
        result: Result.mapError(result, (failure) =>
          input === "" || known.has(input) ? unopened(flags)(failure) : unimported(input, failure),
        ),
      }))
      yield* printWarnings(items)
      if (flags.printStats) return yield* printStatistics("podman_restore_duration", began, items)
      // a container answers by the name it was called by, one made from an image by its id
      return yield* printItems(items, (report, input) => (known.has(input) && flags.name === "" ? input : report.Id))
    }),
}

/** On standard error, where nothing else is said of what has been done. */
const printWarnings = <E>(items: Items<CheckpointReport | RestoreReport, E>) =>
  Effect.forEach(
    items.flatMap(({ result }) => (Result.isSuccess(result) ? result.success.warnings : [])),
    printWarning,
    { discard: true },
  )

/** One JSON document as Podman prints it; failures go to standard error as always. */
const printStatistics = Effect.fnUntraced(function* <E extends CommandFailure>(
  duration: string,
  began: bigint,
  items: Items<CheckpointReport | RestoreReport, E>,
  write = writeOut,
) {
  const micros = Number(((yield* Clock.currentTimeNanos) - began) / 1000n)
  const reports = items.flatMap(({ result }) => (Result.isSuccess(result) ? [withoutWarnings(result.success)] : []))
  yield* write(`${JSON.stringify({ [duration]: micros, container_statistics: reports }, undefined, 4)}\n`)
  return yield* printFailures(items)
})

/** libpod's report has none; they have been said. */
const withoutWarnings = (report: CheckpointReport | RestoreReport) => {
  const { warnings: _, ...rest } = report
  return rest
}
