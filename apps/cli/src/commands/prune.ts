/** `container prune`, `image prune` and `system prune`: what nobody uses any more goes. */
import {
  ContainerEngine,
  ImageEngine,
  type Item,
  type Items,
  NetworkEngine,
  PodEngine,
  Selection,
  VolumeEngine,
} from "@cryopod/entities"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { confirmed } from "../confirm.ts"
import type { CliCommand, CommandFailure } from "../Handler.ts"
import { humanSize, noArgs, valuesOf } from "../kit/index.ts"
import { printItems, printLine } from "../output.ts"

const question = "Are you sure you want to continue? [y/N] "

const containerFlags = {
  filter: { kind: "stringArray", usage: "Provide filter values (e.g. 'label=<key>=<value>')" },
  force: { kind: "bool", short: "f", usage: "Do not prompt for confirmation.  The default is false" },
} as const

/** Containers that have ended or never ran, but for what pods are made of. */
const pruneContainers = Effect.fnUntraced(function* (filter: ReadonlyArray<string>) {
  const engine = yield* ContainerEngine
  const rows = yield* engine.list({ all: true, latest: false, filter, last: -1, external: false, size: false })
  const [first, ...rest] = rows
    .filter(({ IsInfra, State }) => !IsInfra && (State === "created" || State === "exited" || State === "stopped"))
    .map(({ Id }) => Id)
  if (first === undefined) return []
  return yield* engine.remove(Selection.names(first, ...rest), {
    force: false,
    ignore: true,
    timeSeconds: -1,
    volumes: true,
  })
})

export const containerPrune: CliCommand = {
  name: "prune",
  short: "Remove all non running containers",
  long: "Removes all non running containers",
  use: "[options]",
  example: "cryopod container prune\ncryopod container prune --force --filter label=temporary",
  flags: containerFlags,
  args: noArgs,
  handler: (call) =>
    Effect.gen(function* () {
      const { filter, force } = valuesOf(call, containerFlags)
      if (!force) {
        yield* printLine("WARNING! This will remove all non running containers.")
        if (!(yield* confirmed(question))) return 0
      }
      return yield* printItems(yield* pruneContainers(filter), (id) => id)
    }),
}

/** Images without a name, or with `all` all that no container uses. Those in use stay. */
const pruneImages = Effect.fnUntraced(function* ({
  all,
  filter,
}: {
  readonly all: boolean
  readonly filter: ReadonlyArray<string>
}) {
  const engine = yield* ImageEngine
  const found = yield* engine.list({ all: true, filter }, [])
  const unused = found.filter(({ Containers, Dangling }) => Containers === 0 && (all || Dangling))
  // name by name: nothing is forced that a container has come to use since
  const items = yield* engine.remove(
    unused.flatMap(({ Id, Names }) => (Names.length === 0 ? [Id] : Names)),
    { all: false, force: false, ignore: true },
  )
  const bytes = new Map(unused.map(({ Id, Size }) => [Id, Size]))
  return items.flatMap(
    ({ input, result }): ReadonlyArray<Item<{ readonly id: string; readonly bytes: number }, CommandFailure>> =>
      Result.isFailure(result)
        ? [{ input, result: Result.fail(result.failure) }]
        : result.success.deleted.map((id) => ({ input, result: Result.succeed({ id, bytes: bytes.get(id) ?? 0 }) })),
  )
})

const imageFlags = {
  all: { kind: "bool", short: "a", usage: "Remove all images not in use by containers, not just dangling ones" },
  filter: { kind: "stringArray", usage: "Provide filter values (e.g. 'label=<key>=<value>')" },
  force: { kind: "bool", short: "f", usage: "Do not prompt for confirmation" },
} as const

export const imagePrune: CliCommand = {
  name: "prune",
  short: "Remove unused images",
  long: "Removes dangling or unused images from local storage.",
  use: "[options]",
  example: "cryopod image prune\ncryopod image prune --all --force",
  flags: imageFlags,
  args: noArgs,
  handler: (call) =>
    Effect.gen(function* () {
      const { all, filter, force } = valuesOf(call, imageFlags)
      if (!force) {
        yield* printLine(
          all
            ? "WARNING! This command removes all images without at least one container associated with them."
            : "WARNING! This command removes all dangling images.",
        )
        if (!(yield* confirmed(question))) return 0
      }
      return yield* printItems(yield* pruneImages({ all, filter }), ({ id }) => id)
    }),
}

const systemFlags = {
  all: { kind: "bool", short: "a", usage: "Remove all unused data" },
  filter: { kind: "stringArray", usage: "Provide filter values (e.g. 'label=<key>=<value>')" },
  force: { kind: "bool", short: "f", usage: "Do not prompt for confirmation.  The default is false" },
  volumes: { kind: "bool", usage: "Prune volumes" },
} as const

/** A heading and what went, when anything did; the status of what could not. */
const section = <A, E extends CommandFailure>(heading: string, items: Items<A, E>, line: (report: A) => string) =>
  Effect.gen(function* () {
    if (items.some(({ result }) => Result.isSuccess(result))) yield* printLine(heading)
    return yield* printItems(items, line)
  })

export const systemPrune: CliCommand = {
  name: "prune",
  short: "Remove unused data",
  long: "Remove unused data",
  use: "[options]",
  example: "cryopod system prune\ncryopod system prune --all --force --volumes",
  flags: systemFlags,
  args: noArgs,
  handler: (call) =>
    Effect.gen(function* () {
      const { all, filter, force, volumes } = valuesOf(call, systemFlags)
      if (!force) {
        const goes = [
          "all stopped containers",
          "all networks not used by at least one container",
          ...(volumes ? ["all volumes not used by at least one container"] : []),
          all ? "all images without at least one container associated with them" : "all dangling images",
        ]
        yield* printLine(`WARNING! This command removes:\n${goes.map((what) => `\t- ${what}\n`).join("")}`)
        if (!(yield* confirmed(question))) return 0
      }
      const pods = yield* section("Deleted Pods", yield* (yield* PodEngine).prune, ({ Id }) => Id)
      const containers = yield* section("Deleted Containers", yield* pruneContainers(filter), (id) => id)
      const volumeStatus = volumes
        ? yield* section("Deleted Volumes", yield* (yield* VolumeEngine).prune({ filter }), (name) => name)
        : 0
      const images = yield* pruneImages({ all, filter })
      const imageStatus = yield* section("Deleted Images", images, ({ id }) => id)
      const networks = yield* section(
        "Deleted Networks",
        yield* (yield* NetworkEngine).prune({ filter }),
        (name) => name,
      )
      const bytes = images.reduce((sum, { result }) => sum + (Result.isSuccess(result) ? result.success.bytes : 0), 0)
      yield* printLine(`Total reclaimed space: ${humanSize(bytes)}`)
      return Math.max(pods, containers, volumeStatus, imageStatus, networks)
    }),
}
