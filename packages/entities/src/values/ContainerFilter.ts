/** `--filter` of `ps`: filters with the same key are alternatives; different keys must all hold (podman-ps.1). */
import * as Result from "effect/Result"
import { ContainerNotFound, FilterInvalid } from "../failures/ContainerFailures.ts"
import type { ContainerSummary } from "../reports/ContainerReports.ts"
import { instantOf, labelsHold } from "./FilterValue.ts"

/** States by which rows are filtered; `configured` and `created` mean the same (libpod `define.StringToContainerStatus`). */
const states = new Set(
  "unknown initialized configured created running stopped paused exited removing stopping".split(" "),
)

const refused = (fields: { readonly problem: FilterInvalid["problem"]; readonly text: string }) =>
  Result.fail(new FilterInvalid(fields))

/** What filters compare rows with. */
export interface ContainerFilterInputs {
  readonly nowMillis: number
  /** All that there are: some filters compare with another one. */
  readonly containers: ReadonlyArray<{
    readonly id: string
    readonly name: string
    readonly config: { readonly createdAt: string }
  }>
}

/** When the container that goes by a name or an id was created; undefined when there is none. */
const createdAt = (ref: string, { containers }: ContainerFilterInputs): string | undefined =>
  containers.find(({ id, name }) => name === ref || (ref !== "" && id.startsWith(ref)))?.config.createdAt

type Test = (row: ContainerSummary, value: string, inputs: ContainerFilterInputs) => boolean

const tests: Readonly<Record<string, Test>> = {
  id: ({ Id }, value) => Id.startsWith(value),
  name: ({ Names }, value) => Names.some((name) => matches(value, name)),
  status: ({ State }, value) =>
    State === value || (value === "stopped" && State === "exited") || (value === "configured" && State === "created"),
  label: ({ Labels }, value) => labelsHold(Labels, value),
  "label!": ({ Labels }, value) => !labelsHold(Labels, value),
  exited: ({ ExitCode, State }, value) => State === "exited" && ExitCode === Number(value),
  network: ({ Networks }, value) => Networks.includes(value),
  health: ({ Status }, value) => Status === value,
  before: ({ Created }, value, inputs) => Created < (createdAt(value, inputs) ?? ""),
  since: ({ Created }, value, inputs) => Created > (createdAt(value, inputs) ?? ""),
  until: ({ Created }, value, { nowMillis }) => Date.parse(Created) < (instantOf(value, nowMillis) ?? 0),
  volume: ({ Mounts }, value) => Mounts.includes(value),
  pod: ({ Pod, PodName }, value) => Pod !== "" && (Pod.startsWith(value) || PodName === value),
  ancestor: ({ Image, ImageID }, value) =>
    ImageID.startsWith(value) ||
    [Image, Image.replace(/:[^:/]*$/, "")].some((name) => name === value || name.endsWith(`/${value}`)),
}

const matches = (pattern: string, text: string): boolean => {
  try {
    return new RegExp(pattern).test(text)
  } catch {
    return pattern === text
  }
}

export interface ContainerFilter {
  /** A filter by state is one over all states, `--all` or not. */
  readonly everyState: boolean
  readonly fits: (row: ContainerSummary) => boolean
}

/** Read the filters, or refuse one that nobody knows. */
export const containerFilter = (
  texts: ReadonlyArray<string>,
  inputs: ContainerFilterInputs,
): Result.Result<ContainerFilter, FilterInvalid | ContainerNotFound> => {
  const byKey = new Map<string, Array<string>>()
  for (const text of texts) {
    const [key = "", value = ""] = text.split(/=(.*)/s)
    if (text === "" || (!text.includes("=") && tests[text] !== undefined)) return refused({ problem: "form", text })
    if (tests[key] === undefined) return refused({ problem: "key", text: key })
    if (key === "status" && !states.has(value)) return refused({ problem: "state", text: value })
    if (key === "exited" && !/^[+-]?\d+$/.test(value)) return refused({ problem: "exitCode", text: value })
    if (key === "until" && instantOf(value, inputs.nowMillis) === undefined)
      return refused({ problem: "instant", text: value })
    if ((key === "before" || key === "since") && createdAt(value, inputs) === undefined)
      return Result.fail(new ContainerNotFound({ ref: value }))
    byKey.set(key, [...(byKey.get(key) ?? []), value])
  }
  return Result.succeed({
    everyState: byKey.has("status") || byKey.has("exited"),
    fits: (row) =>
      [...byKey].every(([key, values]) => values.some((value) => tests[key]?.(row, value, inputs) === true)),
  })
}
