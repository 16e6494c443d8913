/** Commands on volumes. */
import {
  VolumeCreateFlags,
  VolumeEngine,
  type VolumeInspect,
  VolumeListFlags,
  VolumePruneFlags,
  VolumeRemoveFlags,
} from "@cryopod/entities"
import * as Effect from "effect/Effect"
import { confirmed } from "../confirm.ts"
import { completeVolumes } from "../completions.ts"
import { flagTable, optionsOf } from "../flags.ts"
import { givenFormat, printDocuments, printRows, type RowFormat } from "../format.ts"
import type { CliCommand } from "../Handler.ts"
import { exactArgs, goTime, maximumArgs, noArgs, valuesOf } from "../kit/index.ts"
import { volumeFields } from "./inspect.ts"
import { failureStatus, printItems, printLine, printMissing, refuse, removalStatus, writeOut } from "../output.ts"

const create: CliCommand = {
  name: "create",
  short: "Create a new volume",
  long: 'If using the default driver, "local", the volume will be created on the host in the volumes directory of the engine.',
  use: "[options] [NAME]",
  example: "cryopod volume create myvol\ncryopod volume create\ncryopod volume create --label foo=bar myvol",
  flags: flagTable(VolumeCreateFlags),
  args: maximumArgs(1),
  handler: (call) =>
    Effect.gen(function* () {
      const [name = ""] = call.args
      yield* printLine(yield* (yield* VolumeEngine).create({ ...optionsOf(VolumeCreateFlags, call), name }))
      return 0
    }),
}

const listFlags = {
  format: { kind: "string", usage: "Format volume output using JSON or a Go template" },
  noheading: { kind: "bool", short: "n", usage: "Do not print headers" },
  quiet: { kind: "bool", short: "q", usage: "Print volume output in quiet mode" },
} as const

const volumeFormat: RowFormat<VolumeInspect> = {
  standard: "{{.Driver}}\t{{.Name}}",
  headings: { Name: "VOLUME NAME" },
  name: "ls",
  typeName: "*types.VolumeListReport",
  json: (rows) => rows,
  fields: (row) => ({
    ...row,
    CreatedAt: goTime(row.CreatedAt),
    Labels: new Map(Object.entries(row.Labels)),
    Options: new Map(Object.entries(row.Options)),
    Status: new Map(),
    Timeout: 0,
    Anonymous: row.Anonymous === true,
    UID: row.UID ?? 0,
    GID: row.GID ?? 0,
    NeedsChown: row.NeedsChown === true,
    NeedsCopyUp: row.NeedsCopyUp === true,
    MarshalJSON: () => row,
  }),
}

const list: CliCommand = {
  name: "ls",
  aliases: ["list"],
  short: "List volumes",
  long: "List all available volumes. The output can be filtered and its format changed to JSON or a Go template.",
  use: "[options]",
  example:
    "cryopod volume ls\ncryopod volume ls --format '{{.Name}} {{.Driver}}'\ncryopod volume ls --filter dangling=true",
  flags: { ...flagTable(VolumeListFlags), ...listFlags },
  args: noArgs,
  handler: (call) =>
    Effect.gen(function* () {
      const rows = yield* (yield* VolumeEngine).list(optionsOf(VolumeListFlags, call))
      const { noheading, quiet } = valuesOf(call, listFlags)
      const format = givenFormat(call)
      if (quiet && format === undefined) yield* writeOut(rows.map(({ Name }) => `${Name}\n`).join(""))
      // where there is nothing to list, Podman prints no headings either
      else if (rows.length > 0 || format !== undefined)
        yield* printRows(rows, volumeFormat, { format, noHeading: noheading })
      return 0
    }),
}

const inspectFlags = {
  all: { kind: "bool", short: "a", usage: "Inspect all volumes" },
  format: { kind: "string", short: "f", usage: "Format volume output using a Go template", default: "json" },
} as const

const inspect: CliCommand = {
  name: "inspect",
  short: "Display detailed information on one or more volumes",
  use: "[options] VOLUME [VOLUME...]",
  example:
    "cryopod volume inspect myvol\ncryopod volume inspect --all\ncryopod volume inspect --format '{{.Driver}}' myvol",
  flags: inspectFlags,
  complete: completeVolumes,
  handler: (call) =>
    Effect.gen(function* () {
      const engine = yield* VolumeEngine
      const { all, format } = valuesOf(call, inspectFlags)
      if (all === call.args.length > 0) return yield* refuse("provide one or more volume names or use --all")
      const found: Array<VolumeInspect> = all ? [...(yield* engine.list({ filter: [] }))] : []
      const missing: Array<string> = []
      for (const ref of call.args) {
        const one = yield* engine.inspect(ref).pipe(Effect.catchTag("VolumeNotFound", () => Effect.succeed(undefined)))
        if (one === undefined) missing.push(ref)
        else found.push(one)
      }
      if (format === "json" || format === "") yield* writeOut(`${JSON.stringify(found, undefined, 5)}\n`)
      else yield* printDocuments(found.map(volumeFields), format)
      yield* printMissing(missing.map((ref) => `no such volume ${ref}`))
      return missing.length === 0 ? 0 : failureStatus
    }),
}

const remove: CliCommand = {
  name: "rm",
  aliases: ["remove"],
  short: "Remove one or more volumes",
  long: "Remove one or more existing volumes.\n\nBy default only volumes that are not being used by any containers will be removed. To remove the volumes anyways, use the --force flag.",
  use: "[options] VOLUME [VOLUME...]",
  example: "cryopod volume rm myvol1 myvol2\ncryopod volume rm --all\ncryopod volume rm --force myvol",
  flags: flagTable(VolumeRemoveFlags),
  complete: completeVolumes,
  handler: (call) =>
    Effect.gen(function* () {
      const { all, force, time } = optionsOf(VolumeRemoveFlags, call)
      if (all === call.args.length > 0) return yield* refuse("choose either one or more volumes or all")
      const items = yield* (yield* VolumeEngine).remove(all ? { _tag: "All" } : { _tag: "Names", names: call.args }, {
        force,
        timeSeconds: time,
      })
      return yield* printItems(items, (name) => name, removalStatus)
    }),
}

const pruneFlags = { force: { kind: "bool", short: "f", usage: "Do not prompt for confirmation" } } as const

const prune: CliCommand = {
  name: "prune",
  short: "Remove all unused volumes",
  long: "Volumes that are not currently owned by a container will be removed.\n\nThe command prompts for confirmation which can be overridden with the --force flag.\nNote all data will be destroyed.",
  use: "[options]",
  example: "cryopod volume prune --force\ncryopod volume prune --filter label=temporary",
  flags: { ...flagTable(VolumePruneFlags), ...pruneFlags },
  args: noArgs,
  handler: (call) =>
    Effect.gen(function* () {
      const engine = yield* VolumeEngine
      const { filter } = optionsOf(VolumePruneFlags, call)
      if (!valuesOf(call, pruneFlags).force) {
        const unused = yield* engine.list({ filter: [...filter, "dangling=true"] })
        if (unused.length === 0) {
          yield* printLine("No dangling volumes found")
          return 0
        }
        yield* printLine(
          "WARNING! This will remove all volumes not used by at least one container. The following volumes will be removed:",
        )
        for (const { Name } of unused) yield* printLine(Name)
        if (!(yield* confirmed("Are you sure you want to continue? [y/N] "))) return 0
      }
      return yield* printItems(yield* engine.prune({ filter }), (name) => name)
    }),
}

/** No output, the status is the answer. */
const exists: CliCommand = {
  name: "exists",
  short: "Check if volume exists",
  long: "If the given volume exists, the command exits with 0, otherwise the exit code will be 1.",
  use: "VOLUME",
  example: "cryopod volume exists myvol",
  args: exactArgs(1),
  complete: completeVolumes,
  handler: ({ args: [ref = ""] }) =>
    Effect.map(
      Effect.flatMap(VolumeEngine, (engine) => engine.exists(ref)),
      (found) => (found ? 0 : 1),
    ),
}

export const volume: CliCommand = {
  name: "volume",
  short: "Manage volumes",
  long: "Volumes are created in and can be shared between containers",
  commands: [create, exists, inspect, list, prune, remove],
}
