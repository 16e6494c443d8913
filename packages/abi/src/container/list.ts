/** The rows of `ps`. */
import { containerFilter, type ContainerSummary, type ListFlags } from "@cryopod/entities"
import { Layout } from "@cryopod/host"
import { type ContainerRecord, Containers, isActive, Pods } from "@cryopod/runtime"
import * as Effect from "effect/Effect"
import { observe } from "./observe.ts"

export const list = Effect.fn("ContainerEngine.list")(function* (flags: ListFlags) {
  const layout = yield* Layout
  const { everyState, fits } = yield* Effect.fromResult(containerFilter(flags.filter))
  const every = flags.all || flags.latest || flags.last >= 0 || everyState
  const podNames = new Map((yield* (yield* Pods).list).map((pod) => [pod.config.id, pod.config.name]))
  const wanted = (yield* (yield* Containers).list)
    .map((record) => ({ ...record, state: observe(record.state, layout.container(record.id)) }))
    .filter((record) => every || isActive(record.state))
    .map((record) => summaryOf(record, podNames))
    .filter(fits)
  return wanted.slice(0, flags.latest ? 1 : flags.last >= 0 ? flags.last : wanted.length)
})

const summaryOf = (record: ContainerRecord, podNames: ReadonlyMap<string, string>): ContainerSummary => {
  const { config, id, name, state } = record
  return {
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
    Networks: [],
    Pid: state.pid,
    Pod: config.pod ?? "",
    PodName: podNames.get(config.pod ?? "") ?? "",
    Ports: [],
    Restarts: 0,
    Size: null,
    StartedAt: seconds(state.startedAt),
    State: state.status,
    Status: "",
  }
}

/** libpod's zero time in Unix seconds, for what has not come to pass. */
const zeroSeconds = -62_135_596_800

const seconds = (instant: string | undefined) =>
  instant === undefined || instant === "" ? zeroSeconds : Math.floor(Date.parse(instant) / 1000)
