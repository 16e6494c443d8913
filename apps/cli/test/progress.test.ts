import { expect, it } from "vitest"
import { farText } from "../src/progress.ts"

it.each([
  [{ reached: 0 }, ""],
  [{ reached: 0, step: { what: "dump", totalBytes: 100 } }, ""],
  [
    { reached: 120 << 20, beganMillis: 0, step: { what: "dump", totalBytes: 520 << 20 } },
    "memory 120MiB of 520MiB, 60MiB/s, 7 s left",
  ],
  // what was guessed too small is not said
  [{ reached: 30 << 20, beganMillis: 0, step: { what: "dump", totalBytes: 20 << 20 } }, "memory 30MiB, 15MiB/s"],
  [{ reached: 4096, beganMillis: 0, step: { what: "import" } }, "reading 4KiB, 2KiB/s"],
  [{ reached: 4096, beganMillis: 2000, step: { what: "push", totalBytes: 8192 } }, "sending 4KiB of 8KiB"],
  [
    { reached: 8192, beganMillis: 0, step: { what: "pull", totalBytes: 8192 } },
    "fetching 8KiB of 8KiB, 4KiB/s, 0 s left",
  ],
  [{ reached: 1, beganMillis: 0, step: { what: "export", totalBytes: 1 } }, "writing 1B of 1B, 1B/s, 0 s left"],
] as const)("after two seconds, %j is told as %s", (seen, text) => {
  expect(farText(seen, 2000)).toBe(text)
})
