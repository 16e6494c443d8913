/** The rows of `ps`. */
import { type ContainerSummary, type ListFlags, OptionInvalid } from "@cryopod/entities"
import { Layout } from "@cryopod/host"
import { type ContainerRecord, Containers, type ContainerState, isActive } from "@cryopod/runtime"
import * as Effect from "effect/Effect"
import { observe } from "./observe.ts"

export const list = Effect.fn("ContainerEngine.list")(function* (flags: ListFlags) {
  const layout = yield* Layout
  const filters = yield* Effect.forEach(flags.filter, parseFilter)
  const all = (yield* (yield* Containers).list).map((record) => ({
    ...record,
    state: observe(record.state, layout.container(record.id)),
  }))
  const everyState =
    flags.all || flags.latest || flags.last >= 0 || filters.some(({ key }) => key === "status" || key === "exited")
  const wanted = all
    .filter((record) => everyState || isActive(record.state))
    .filter((record) => matchesAll(record, filters))
  const count = flags.latest ? 1 : flags.last >= 0 ? flags.last : wanted.length
  return wanted.slice(0, count).map(summaryOf)
})

interface Filter {
  readonly key: string
  readonly value: string
}

/** Filters with the same key are alternatives; different keys must all hold. */
const filterTests: Readonly<Record<string, (record: ContainerRecord, value: string) => boolean>> = {
  id: ({ id }, value) => id.startsWith(value),
  name: ({ name }, value) => new RegExp(value).test(name),
  status: ({ state }, value) => state.status === value || (value === "stopped" && state.status === "exited"),
  label: ({ config }, value) => {
    const [key = "", wanted] = value.split(/=(.*)/s)
    return wanted === undefined ? key in config.labels : config.labels[key] === wanted
  },
  exited: ({ state }, value) => state.status === "exited" && state.exitCode === Number(value),
  ancestor: ({ config }, value) =>
    config.imageId.startsWith(value) ||
    [config.imageName, config.rawImageName].some((name) => name === value || name.split(":")[0] === value),
}

const parseFilter = (text: string) => {
  const [key = "", value = ""] = text.split(/=(.*)/s)
  return key in filterTests
    ? Effect.succeed({ key, value })
    : Effect.fail(
        new OptionInvalid({
          option: "filter",
          value: text,
          problem: `filters are ${Object.keys(filterTests).join(", ")}`,
        }),
      )
}

const matchesAll = (record: ContainerRecord, filters: ReadonlyArray<Filter>) =>
  [...new Set(filters.map(({ key }) => key))].every((key) =>
    filters.filter((filter) => filter.key === key).some(({ value }) => filterTests[key]?.(record, value) === true),
  )

const summaryOf = (record: ContainerRecord): ContainerSummary => {
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
    IsInfra: false,
    Labels: config.labels,
    Mounts: [],
    Names: [name],
    Networks: [],
    Pid: state.pid,
    Pod: "",
    PodName: "",
    Ports: [],
    Restarts: 0,
    Size: null,
    StartedAt: seconds(state.startedAt),
    State: state.status,
    Status: statusWord(state),
  }
}

/** The CLI puts the time behind it, which depends on when it is read. */
const statusWord = (state: ContainerState): string => {
  const words = {
    created: "Created",
    running: "Up",
    paused: "Paused",
    stopped: "Exited",
    exited: `Exited (${state.exitCode})`,
  }
  return words[state.status]
}

/** libpod's zero time in Unix seconds, for what has not come to pass. */
const zeroSeconds = -62_135_596_800

const seconds = (instant: string | undefined) =>
  instant === undefined || instant === "" ? zeroSeconds : Math.floor(Date.parse(instant) / 1000)
