/**
 * What speed is promised, declared once: `npm run bench -- --check` holds the measured medians against it. Everything is a
 * ratio or a difference to somebody who was measured in the same run on the same machine.
 */
import type { Results, SideName } from "./Results.ts"

export interface Verdict {
  readonly promise: string
  readonly measured: string
  /** Undefined when a side was not measured in this run. */
  readonly kept: boolean | undefined
}

interface Times {
  readonly what: string
  readonly size: number
  readonly than: SideName
  /** Another case of the other side, where it has another name. */
  readonly thanWhat?: string
  readonly thanSize?: number
}

type Budget = (results: Results) => Verdict

const mebibyte = 2 ** 20

/** cryopod takes at most `limit` times as long. */
const ratio =
  (limit: number, { size, than, thanSize = size, thanWhat, what }: Times): Budget =>
  (results) => {
    const ours = results.find({ what, side: "cryopod", size })?.medianSeconds
    const theirs = results.find({ what: thanWhat ?? what, side: than, size: thanSize })?.medianSeconds
    const found = ours === undefined || theirs === undefined ? undefined : ours / theirs
    return {
      promise: `${what} ${sizeText(size)}≤ ${limit < 0.1 ? `1/${Math.round(1 / limit)}` : limit} × ${than}${thanWhat === undefined ? "" : ` ${thanWhat}`}`,
      measured: found === undefined ? "not measured" : `${found.toFixed(2)} ×`,
      kept: found === undefined ? undefined : found <= limit,
    }
  }

/** cryopod takes at most so many seconds more. */
const difference =
  (limitSeconds: number, { size, than, what }: Times): Budget =>
  (results) => {
    const ours = results.find({ what, side: "cryopod", size })?.medianSeconds
    const theirs = results.find({ what, side: than, size })?.medianSeconds
    const found = ours === undefined || theirs === undefined ? undefined : ours - theirs
    return {
      promise: `${what} ${sizeText(size)}≤ ${than} + ${limitSeconds} s`,
      measured: found === undefined ? "not measured" : `+ ${found.toFixed(3)} s`,
      kept: found === undefined ? undefined : found <= limitSeconds,
    }
  }

const sizeText = (size: number) => (size === 0 ? "" : `(${size}) `)

const memory: Budget = (results) => {
  const peaks = results.rows().flatMap(({ peakBytes, side }) => (side === "cryopod" && peakBytes ? [peakBytes] : []))
  const most = Math.max(0, ...peaks)
  return {
    promise: "own memory ≤ 200 MiB everywhere",
    measured: peaks.length === 0 ? "not measured" : `${Math.ceil(most / mebibyte)} MiB`,
    kept: peaks.length === 0 ? undefined : most <= 200 * mebibyte,
  }
}

const written =
  (size: number): Budget =>
  ({ notes }) => {
    const dumped = notes[`dumpBytes/${size}`]
    const ours = notes[`writtenBytes/${size}`]
    const found = dumped === undefined || ours === undefined ? undefined : ours / dumped
    return {
      promise: `bytes on disk for an image (${size}) ≤ 1.05 × what CRIU wrote`,
      measured: found === undefined ? "not measured" : `${found.toFixed(3)} ×`,
      kept: found === undefined ? undefined : found <= 1.05,
    }
  }

/** The freezing itself counts as ours: GNU tar has no container to freeze. */
const besideTar =
  (what: string, size: number): Budget =>
  (results) => {
    const ours = results.find({ what, side: "cryopod", size })?.medianSeconds
    const theirs = results.find({ what, side: "tar", size })?.medianSeconds
    const found = ours === undefined || theirs === undefined ? undefined : ours / theirs
    return {
      promise: `${what} (${size}) ≤ 1.3 × GNU tar`,
      measured: found === undefined ? "not measured" : `${found.toFixed(2)} ×`,
      kept: found === undefined ? undefined : found <= 1.3,
    }
  }

const budgets: ReadonlyArray<Budget> = [
  ratio(1.75, { what: "checkpoint", size: 1024, than: "bare" }),
  ratio(1 / 12, { what: "checkpoint", size: 1024, than: "podman" }),
  difference(0.12, { what: "checkpoint", size: 16, than: "bare" }),
  ratio(1.1, { what: "frozen", size: 1024, than: "bare", thanWhat: "checkpoint" }),
  ratio(1.25, { what: "restore", size: 1024, than: "bare" }),
  difference(0.15, { what: "restore", size: 16, than: "bare" }),
  difference(0.15, { what: "restore, a clone of 20", size: 16, than: "bare" }),
  ratio(0.8, { what: "export zstd", size: 1024, than: "podman" }),
  ratio(0.5, { what: "import zstd", size: 1024, than: "podman" }),
  ratio(0.55, { what: "export none", size: 1024, than: "podman" }),
  ratio(0.8, { what: "import none", size: 1024, than: "podman" }),
  ratio(0.75, { what: "push zstd", size: 1024, than: "podman" }),
  ratio(0.75, { what: "pull zstd", size: 1024, than: "podman" }),
  ratio(1.5, { what: "--version", size: 0, than: "node", thanWhat: "empty program" }),
  ratio(3, { what: "ps", size: 50, than: "node", thanWhat: "empty program", thanSize: 0 }),
  // four fifths of the bytes a second
  ratio(1.25, { what: "export over a Unix socket", size: 1024, than: "node" }),
  ratio(1.25, { what: "import over a Unix socket", size: 1024, than: "node" }),
  besideTar("export small files", 100_000),
  besideTar("import small files", 100_000),
  besideTar("export one file", 4096),
  besideTar("import one file", 4096),
  written(1024),
  memory,
]

export const verdicts = (results: Results): ReadonlyArray<Verdict> => budgets.map((budget) => budget(results))
