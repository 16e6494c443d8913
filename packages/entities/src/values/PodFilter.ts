/** `--filter` of `pod ps`: filters with the same key are alternatives; different keys must all hold (podman-pod-ps.1). */
import * as Result from "effect/Result"
import { PodFilterInvalid } from "../failures/PodFailures.ts"
import type { PodSummary } from "../reports/PodReports.ts"

type Test = (row: PodSummary, value: string) => boolean

const containerStates = new Set(["created", "running", "paused", "stopped", "exited", "unknown"])
const podStates = new Set(["stopped", "running", "paused", "exited", "dead", "created", "degraded"])

const matches = (pattern: string, text: string): boolean => {
  try {
    return new RegExp(pattern).test(text)
  } catch {
    return pattern === text
  }
}

const hasLabel: Test = ({ Labels }, value) => {
  const [key = "", wanted] = value.split(/=(.*)/s)
  return wanted === undefined ? key in Labels : Labels[key] === wanted
}

const tests: Readonly<Record<string, Test>> = {
  id: ({ Id }, value) => Id.startsWith(value),
  name: ({ Name }, value) => matches(value, Name),
  status: ({ Status }, value) => Status.toLowerCase() === value,
  label: hasLabel,
  "label!": (row, value) => !hasLabel(row, value),
  network: ({ Networks }, value) => Networks.includes(value),
  "ctr-ids": ({ Containers }, value) => Containers.some(({ Id }) => Id.startsWith(value)),
  "ctr-names": ({ Containers }, value) => Containers.some(({ Names }) => matches(value, Names)),
  "ctr-number": ({ Containers }, value) => Containers.length === Number(value),
  "ctr-status": ({ Containers }, value) =>
    Containers.some(({ Status }) => Status === (value === "stopped" ? "exited" : value)),
}

/** Read the filters into one test, or refuse one that nobody knows. */
export const podFilter = (
  texts: ReadonlyArray<string>,
): Result.Result<(row: PodSummary) => boolean, PodFilterInvalid> => {
  const refuse = (problem: PodFilterInvalid["problem"], value: string) =>
    Result.fail(new PodFilterInvalid({ problem, value }))
  const byKey = new Map<string, Array<string>>()
  for (const text of texts) {
    const [key = "", value] = text.split(/=(.*)/s)
    if (value === undefined) return refuse("form", text)
    if (tests[key] === undefined) return refuse("key", key)
    if (key === "ctr-status" && !containerStates.has(value)) return refuse("containerState", value)
    if (key === "status" && !podStates.has(value)) return refuse("podState", value)
    byKey.set(key, [...(byKey.get(key) ?? []), value])
  }
  return Result.succeed((row) =>
    [...byKey].every(([key, values]) => values.some((value) => tests[key]?.(row, value) === true)),
  )
}
