/**
 * The service of the test of that name, in a process of its own: `transferSize.ts SOCKET`. Its engine writes and reads 1 GiB, and
 * does nothing else. When it is ended it tells how much memory it took.
 */
import * as fs from "node:fs"
import * as Stream from "effect/Stream"
import { serveArchives } from "./serveArchives.ts"

const block = new Uint8Array(2 ** 20).fill(1)
const blocks = 1024

const [socketPath = ""] = process.argv.slice(2)

const peakBytes = () =>
  Number(/^VmHWM:\s+(\d+) kB$/m.exec(fs.readFileSync("/proc/self/status", "utf8"))?.[1] ?? 0) * 1024

process.once("SIGTERM", () => {
  process.stdout.write(`${peakBytes()}\n`)
  process.exit(0)
})
serveArchives(
  { _tag: "Unix", path: socketPath },
  Stream.map(Stream.range(1, blocks), () => block),
)
