/**
 * Versions of runtimes in which a stranger's checkpoint could reach into the host. What they miss is checked here before
 * (`mountTargets`, `mountDifferences`); that they are used for a stranger is said.
 *
 * Source: CVE records 2026-115520, 2026-115521 and 2026-119101, and the release notes that they name.
 */
import type { RuntimeName } from "@cryopod/entities"

interface Hole {
  readonly id: string
  /** The first fixed version of each line that had one; lines before the first had none. */
  readonly fixed: ReadonlyArray<readonly [major: number, minor: number, patch: number]>
}

const holes: Readonly<Record<RuntimeName, ReadonlyArray<Hole>>> = {
  runc: [
    {
      id: "CVE-2026-119101",
      fixed: [
        [1, 3, 7],
        [1, 4, 4],
        [1, 5, 3],
        [1, 6, 0],
      ],
    },
  ],
  crun: [
    { id: "CVE-2026-115520", fixed: [[1, 31, 0]] },
    { id: "CVE-2026-115521", fixed: [[1, 31, 0]] },
  ],
}

/** Ids of the holes that a version has, by what the runtime says to `--version`; none when it says no version. */
export const knownHoles = (runtime: RuntimeName, versionText: string): ReadonlyArray<string> => {
  const [, major, minor, patch = "0"] = /version (\d+)\.(\d+)(?:\.(\d+))?/.exec(versionText) ?? []
  if (major === undefined || minor === undefined) return []
  const version = [Number(major), Number(minor), Number(patch)] as const
  return holes[runtime].filter(({ fixed }) => !isFixed(version, fixed)).map(({ id }) => id)
}

const isFixed = (version: readonly [number, number, number], fixed: Hole["fixed"]): boolean => {
  const line = fixed.find(([major, minor]) => major === version[0] && minor === version[1])
  if (line !== undefined) return version[2] >= line[2]
  const last = fixed.at(-1)
  return last !== undefined && (version[0] > last[0] || (version[0] === last[0] && version[1] > last[1]))
}
