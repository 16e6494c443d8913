/** The results as text. */
import type { Verdict } from "../budgets.ts"
import { curves } from "../cases/scaling.ts"
import type { Results, Row } from "../Results.ts"
import { exponent } from "../statistics.ts"

export const resultTable = (results: Results): string => {
  const rows = results.rows()
  const beside = (row: Row) => {
    const bare = rows.find(({ side, size, what }) => side === "bare" && size === row.size && what === row.what)
    return bare === undefined || row.side === "bare" ? "" : (row.medianSeconds / bare.medianSeconds).toFixed(2)
  }
  return columns([
    ["case", "size", "side", "median s", "least", "most", "n", "× bare", "peak MiB"],
    ...rows.map((row) => [
      row.what,
      row.size === 0 ? "" : String(row.size),
      row.side,
      row.medianSeconds.toFixed(3),
      row.leastSeconds.toFixed(3),
      row.mostSeconds.toFixed(3),
      String(row.samples),
      beside(row),
      row.peakBytes === undefined ? "" : String(Math.round(row.peakBytes / 2 ** 20)),
    ]),
  ])
}

/** How time grows along each curve that was measured. */
export const curveLines = (results: Results): string => {
  const lines = curves.flatMap(({ unit, what }) => {
    const points = results.rows().filter((row) => row.what === what && row.side === "cryopod")
    if (points.length < 3) return []
    const text = points.map(({ medianSeconds, size }) => `${size}: ${medianSeconds.toFixed(2)} s`).join(", ")
    const grows = exponent(points.map(({ medianSeconds, size }) => [size, medianSeconds] as const))
    return [`${what} (${unit}): ${text}; time grows with size to the power of ${grows.toFixed(2)}`]
  })
  return lines.map((line) => `${line}\n`).join("")
}

export const verdictTable = (verdicts: ReadonlyArray<Verdict>): string =>
  columns([
    ["budget", "measured", ""],
    ...verdicts.map(({ kept, measured, promise }) => [
      promise,
      measured,
      kept === undefined ? "" : kept ? "kept" : "EXCEEDED",
    ]),
  ])

const columns = (lines: ReadonlyArray<ReadonlyArray<string>>): string => {
  const widths = (lines[0] ?? []).map((_, at) => Math.max(...lines.map((line) => (line[at] ?? "").length)))
  const padded = lines.map((line) => line.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join("  "))
  return `${padded.map((line) => line.trimEnd()).join("\n")}\n`
}
