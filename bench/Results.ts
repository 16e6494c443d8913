/** What was measured: samples by group, case, side and size. */
import type { Sample } from "./run.ts"
import { median, spread } from "./statistics.ts"

export type SideName = "bare" | "cryopod" | "podman" | "tar" | "node"

export interface Key {
  /** What was done, in words: `checkpoint`, `restore`, `push zstd`. */
  readonly what: string
  readonly side: SideName
  /** MiB of memory, or a count of files or containers. */
  readonly size: number
}

export interface Row extends Key {
  readonly medianSeconds: number
  readonly leastSeconds: number
  readonly mostSeconds: number
  readonly samples: number
  /** Of the program itself; absent where it was not ours to look at. */
  readonly peakBytes?: number
}

export class Results {
  readonly notes: Record<string, number> = {}
  private readonly samples = new Map<string, { readonly key: Key; readonly samples: Array<Sample> }>()

  add(key: Key, sample: Sample): void {
    const name = nameOf(key)
    const known = this.samples.get(name) ?? { key, samples: [] }
    known.samples.push(sample)
    this.samples.set(name, known)
  }

  /** A number that is no time, e.g. bytes on disk. Of several, the largest counts. */
  note(name: string, value: number): void {
    this.notes[name] = Math.max(this.notes[name] ?? 0, value)
  }

  rows(): ReadonlyArray<Row> {
    return [...this.samples.values()].map(({ key, samples }) => {
      const seconds = samples.map((sample) => sample.seconds)
      const [leastSeconds, mostSeconds] = spread(seconds)
      const peaks = samples.flatMap(({ peakBytes }) => (peakBytes === undefined || peakBytes === 0 ? [] : [peakBytes]))
      return {
        what: key.what,
        side: key.side,
        size: key.size,
        medianSeconds: median(seconds),
        leastSeconds,
        mostSeconds,
        samples: seconds.length,
        ...(peaks.length === 0 ? {} : { peakBytes: Math.max(...peaks) }),
      }
    })
  }

  find(key: Key): Row | undefined {
    return this.rows().find((row) => nameOf(row) === nameOf(key))
  }
}

const nameOf = ({ side, size, what }: Key) => `${what}/${side}/${size}`
