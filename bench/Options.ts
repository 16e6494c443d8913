/** What `npm run bench -- …` may be told. */
import { parseArgs } from "node:util"

export interface Options {
  /** Memory of the containers, in MiB. */
  readonly sizes: ReadonlyArray<number>
  readonly rounds: number
  /** Groups of cases whose name holds this. */
  readonly only: string
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
  --only NAME           groups whose name holds this: memory, start, clones, files, scaling
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
        only: { type: "string", default: "" },
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
    const { check, chart, directory, json, only, podman } = values
    return { sizes, rounds, only, check, podman, json, chart, directory }
  } catch (cause) {
    return `bench: ${(cause as Error).message}\n\n${usage}`
  }
}
