/**
 * The results as a picture for the README: for each case of the largest size, one bar a side. Plain SVG, whose colours
 * follow the reader's light or dark scheme.
 */
import type { Results, Row, SideName } from "../Results.ts"

const sides: ReadonlyArray<SideName> = ["bare", "cryopod", "podman"]
const labels: Partial<Record<SideName, string>> = {
  bare: "bare crun + CRIU",
  cryopod: "cryopod",
  podman: "Podman 5.4.2",
}
const cases = [
  ["checkpoint", "checkpoint --create-image"],
  ["restore", "restore IMAGE"],
  ["export zstd", "checkpoint --export, zstd"],
  ["import zstd", "restore --import, zstd"],
  ["push zstd", "push, zstd"],
  ["pull zstd", "pull, zstd"],
] as const

const [width, left, right, bar, gap, groupGap, top] = [760, 190, 90, 14, 3, 16, 56]

const style = `text{font:13px system-ui,sans-serif;fill:#24292f}.small{font-size:11px;fill:#57606a}.title{font-weight:600;font-size:15px}
.bare{fill:#8c959f}.cryopod{fill:#0969da}.podman{fill:#bf8700}
@media(prefers-color-scheme:dark){text{fill:#e6edf3}.small{fill:#9198a1}.bare{fill:#6e7681}.cryopod{fill:#4493f8}.podman{fill:#d29922}}`

/** Undefined when nothing of it was measured. */
export const chart = (results: Results): string | undefined => {
  const rows = results.rows()
  const size = Math.max(0, ...rows.filter(({ what }) => what === "checkpoint").map((row) => row.size))
  const groups = cases.flatMap(([what, title]) => {
    const bars = sides.flatMap((side) =>
      rows.filter((row) => row.what === what && row.side === side && row.size === size),
    )
    return bars.length === 0 ? [] : [{ title, bars }]
  })
  if (groups.length === 0) return undefined
  const most = Math.max(...groups.flatMap(({ bars }) => bars.map(({ medianSeconds }) => medianSeconds)))
  // the slowest would leave nothing to see of the others
  const scale = (seconds: number) => Math.sqrt(seconds / most) * (width - left - right)
  let y = top
  const drawn = groups.map(({ bars, title }) => {
    const height = bars.length * (bar + gap) - gap
    const text = `<text x="${left - 10}" y="${y + height / 2 + 4}" text-anchor="end">${title}</text>`
    const rects = bars.map((row, at) => drawBar(row, y + at * (bar + gap), scale(row.medianSeconds)))
    y += height + groupGap
    return text + rects.join("")
  })
  const shown = sides.filter((side) => groups.some(({ bars }) => bars.some((row) => row.side === side)))
  const legend = shown.map(
    (side, at) =>
      `<rect class="${side}" x="${left + at * 150}" y="30" width="10" height="10" rx="2"/><text class="small" x="${left + at * 150 + 15}" y="39">${labels[side]}</text>`,
  )
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${y}" width="${width}" height="${y}" role="img" aria-label="Seconds for a container with ${size} MiB of memory">
<style>${style}</style>
<text class="title" x="10" y="18">A container with ${size} MiB of memory: seconds, median (lengths by square root)</text>
${legend.join("")}
${drawn.join("\n")}
</svg>
`
}

const drawBar = ({ medianSeconds, side }: Row, y: number, length: number): string =>
  `<rect class="${side}" x="${left}" y="${y}" width="${Math.max(2, length).toFixed(1)}" height="${bar}" rx="2"/>` +
  `<text class="small" x="${(left + Math.max(2, length) + 6).toFixed(1)}" y="${y + 11}">${medianSeconds.toFixed(2)} s</text>`
