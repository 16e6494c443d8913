/** The rows of `ps`. */
import { containerFilter, type ContainerSummary, exposedProtocols, type ListFlags } from "@cryopod/entities"
import { ImageStore } from "@cryopod/images"
import { type ContainerConfig, type ContainerRecord, Containers, isActive, Pods } from "@cryopod/runtime"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as fs from "node:fs"
import { join } from "node:path"
import { type ContainerPaths, Layout } from "@cryopod/host"
import { healthResults } from "../health/healthResults.ts"
import { networkOwner } from "../network/networkReport.ts"
import { observe } from "./observe.ts"

export const list = Effect.fn("ContainerEngine.list")(function* (flags: ListFlags) {
  const layout = yield* Layout
  const podNames = new Map((yield* (yield* Pods).list).map((pod) => [pod.config.id, pod.config.name]))
  const all = yield* (yield* Containers).list
  const { everyState, fits } = yield* Effect.fromResult(
    containerFilter(flags.filter, { nowMillis: yield* Clock.currentTimeMillis, containers: all }),
  )
  const every = flags.all || flags.latest || flags.last >= 0 || everyState
  const connected = (record: ContainerRecord) => networkOwner(record, all).config
  const wanted = all
    .map((record) => ({ ...record, state: observe(record.state, layout.container(record.id)) }))
    .filter((record) => every || isActive(record.state))
    .map((record) =>
      summaryOf(record, {
        podNames,
        health: healthOf(record, layout.container(record.id)),
        connected: connected(record),
      }),
    )
    .filter(fits)
  const rows = wanted.slice(0, flags.latest ? 1 : flags.last >= 0 ? flags.last : wanted.length)
  return yield* Effect.forEach(rows, (row) => (flags.size ? withSizes(row) : Effect.succeed(row)))
})

const withSizes = Effect.fnUntraced(function* (row: ContainerSummary) {
  const { upper } = (yield* Layout).container(row.Id)
  const rwSize = yield* Effect.promise(() => bytesBelow(upper))
  const image = yield* Effect.option((yield* ImageStore).get(row.ImageID))
  const imageSize = Option.match(image, { onNone: () => 0, onSome: ({ sizeBytes }) => sizeBytes })
  return { ...row, Size: { rwSize, rootFsSize: imageSize + rwSize } }
})

/** Lengths of all files below a directory. What vanishes meanwhile counts nothing. */
const bytesBelow = async (directory: string): Promise<number> => {
  let bytes = 0
  for (const entry of await fs.promises.readdir(directory, { withFileTypes: true }).catch(() => [])) {
    const path = join(directory, entry.name)
    if (entry.isDirectory()) bytes += await bytesBelow(path)
    else if (entry.isFile()) bytes += (await fs.promises.lstat(path).catch(() => undefined))?.size ?? 0
  }
  return bytes
}

const healthOf = ({ config, state }: ContainerRecord, paths: ContainerPaths) =>
  isActive(state) && config.health !== undefined ? healthResults(paths).Status : ""

const summaryOf = (
  record: ContainerRecord,
  {
    connected: { attachments = [], exposed = [], ports = [] },
    health,
    podNames,
  }: {
    readonly connected: ContainerConfig
    readonly health: string
    readonly podNames: ReadonlyMap<string, string>
  },
): ContainerSummary => {
  const { config, id, name, state } = record
  return {
    AutoRemove: config.autoRemove,
    Command: [...config.entrypoint, ...config.command],
    Created: config.createdAt,
    CreatedAt: config.createdAt,
    CreatedUnix: seconds(config.createdAt),
    Exited: state.status === "exited",
    ExitedAt: seconds(state.finishedAt),
    ExitCode: state.exitCode,
    Id: id,
    Image: config.imageName || config.imageId,
    ImageID: config.imageId,
    IsInfra: config.infra === true,
    Labels: config.labels,
    Mounts: config.mounts.map(({ destination }) => destination),
    Names: [name],
    Networks: attachments.map(({ network }) => network),
    Pid: state.pid,
    Pod: config.pod ?? "",
    PodName: podNames.get(config.pod ?? "") ?? "",
    Ports: ports,
    ExposedPorts: exposedProtocols(exposed),
    Restarts: state.restartCount ?? 0,
    Size: null,
    StartedAt: seconds(state.startedAt),
    State: state.status,
    Status: health,
  }
}

/** libpod's zero time in Unix seconds, for what has not come to pass. */
const zeroSeconds = -62_135_596_800

const seconds = (instant: string | undefined) =>
  instant === undefined || instant === "" ? zeroSeconds : Math.floor(Date.parse(instant) / 1000)
