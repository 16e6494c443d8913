/** What CRIU's diagnoses tell a user to say can be said. */
import { expect, it } from "vitest"
import { diagnoses } from "../../packages/criu/src/criuDiagnoses.ts"
import { CheckpointFlags, RestoreFlags } from "../../packages/entities/src/index.ts"

it("every option that a remedy names is one of a checkpoint or a restore", () => {
  const known = new Set([CheckpointFlags, RestoreFlags].flatMap((flags) => Object.values(flags).map(({ cli }) => cli)))
  const named = diagnoses.flatMap(({ remedy }) =>
    [...remedy.matchAll(/(?<=^|\s)--?([a-z][a-z-]*)/g)].map(([, word]) => word ?? ""),
  )
  expect(named.filter((word) => !known.has(word))).toEqual([])
  expect(named).toEqual(
    expect.arrayContaining(["ghost-limit", "link-remap", "ext-unix-sk", "network-lock", "skip-in-flight"]),
  )
})
