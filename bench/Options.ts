/** What `npm run bench -- …` may be told. */
import { parseArgs } from "node:util"

export const groups = ["start", "memory", "clones", "files", "scaling", "transfer"] as const
export type Group = (typeof groups)[number]

export interface Options {
  /** Memory of the containers, in MiB. */
  readonly sizes: ReadonlyArray<number>
  readonly rounds: number
  /** The group of cases that is wanted; every one when undefined. */
  readonly only: Group | undefined
  /** Compare with the budgets and fail when one is exceeded. */
  readonly check: boolean
  /** Leave Podman out although it is there. */
  readonly podman: boolean
  /** Where the numbers go as JSON; nowhere when empty. */
  readonly json: string
  /** Where the chart goes; nowhere when empty. */
  readonly chart: string
  /** Directory for everything that is made; on the file system that is measured. */
  readonly directory: string
}

const usage = `npm run bench -- [options]
  --sizes 16,256,1024   memory of the containers in MiB
  --rounds N            how often each case is measured (5)
  --only NAME           one group: ${groups.join(", ")}
  --check               compare with the budgets; status 1 when one is exceeded
  --no-podman           leave Podman out
  --json FILE           write the numbers
  --chart FILE          write the chart (SVG)
  --directory DIR       where to work (/var/tmp)`

export const readOptions = (argv: ReadonlyArray<string>): Options | string => {
  try {
    const { values } = parseArgs({
      args: [...argv],
      allowNegative: true,
      options: {
        sizes: { type: "string", default: "16,256,1024" },
        rounds: { type: "string", default: "5" },
        only: { type: "string" },
        check: { type: "boolean", default: false },
        podman: { type: "boolean", default: true },
        json: { type: "string", default: "" },
        chart: { type: "string", default: "" },
        directory: { type: "string", default: "/var/tmp" },
        help: { type: "boolean", default: false },
      },
    })
    const sizes = values.sizes.split(",").map(Number)
    const rounds = Number(values.rounds)
    if (values.help) return usage
    if (!sizes.every((size) => Number.isInteger(size) && size > 0)) return `bench: --sizes ${values.sizes}\n\n${usage}`
    if (!Number.isInteger(rounds) || rounds < 1) return `bench: --rounds ${values.rounds}\n\n${usage}`
    const only = groups.find((group) => group === values.only)
    if (values.only !== undefined && only === undefined) return `bench: --only ${values.only}\n\n${usage}`
    const { check, chart, directory, json, podman } = values
    return { sizes, rounds, only, check, podman, json, chart, directory }
  } catch (cause) {
    return `bench: ${(cause as Error).message}\n\n${usage}`
  }
}
