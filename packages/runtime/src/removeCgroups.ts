/** Cgroups that a runtime has left behind: crun's, under v1, when a restore of its has failed. */
import { readdirSync, rmdirSync } from "node:fs"
import { join } from "node:path"
import { mounted } from "@cryopod/host"
import * as Effect from "effect/Effect"
import { cgroupsPath } from "./OciSpec.ts"

/** Where hierarchies of cgroups are mounted. */
const hierarchies = (): ReadonlyArray<string> =>
  mounted()
    .filter(({ type }) => type === "cgroup" || type === "cgroup2")
    .map(({ point }) => point)

/** In every hierarchy. One with processes in it stays: cgroups are only removed when nobody is in them. */
export const removeCgroups = (id: string): Effect.Effect<void> =>
  Effect.sync(() => {
    for (const point of hierarchies()) removeEmpty(join(point, cgroupsPath(id)))
  })

const removeEmpty = (directory: string): void => {
  try {
    for (const entry of readdirSync(directory, { withFileTypes: true })) {
      if (entry.isDirectory()) removeEmpty(join(directory, entry.name))
    }
    rmdirSync(directory)
  } catch {
    // not there, or in use
  }
}
