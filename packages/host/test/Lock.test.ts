import { spawn } from "node:child_process"
import * as fs from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { text } from "node:stream/consumers"
import { rolldown } from "rolldown"
import { afterAll, beforeAll, describe, expect, it } from "vitest"

const directory = fs.mkdtempSync(join(tmpdir(), "cryopod-lock-"))
afterAll(() => fs.rmSync(directory, { recursive: true, force: true }))

/** A program that takes the lock often, and puts a mark beside it that nobody else may find there. */
const program = `
import * as fs from "node:fs"
import * as Effect from "effect/Effect"
import { dropLock, holdLock } from "@cryopod/host"
const [, , lock, rounds, drop] = process.argv
const once = Effect.scoped(
  Effect.gen(function* () {
    yield* holdLock(lock)
    fs.writeFileSync(lock + ".mark", String(process.pid), { flag: "wx" })
    yield* Effect.yieldNow
    fs.rmSync(lock + ".mark")
    if (drop === "drop") yield* dropLock(lock)
  }),
)
await Effect.runPromise(Effect.repeat(once, { times: Number(rounds) - 1 }))
`
beforeAll(async () => {
  const source = join(import.meta.dirname, "holder.virtual.ts")
  const bundle = await rolldown({
    input: source,
    platform: "node",
    resolve: { conditionNames: ["cryopod-source", "import", "node"] },
    plugins: [
      {
        name: "holder",
        load: (id) => (id === source ? program : null),
        resolveId: (id) => (id === source ? id : null),
      },
    ],
  })
  await bundle.write({ file: join(directory, "holder.mjs"), format: "esm", codeSplitting: false })
})

/** Run the program several times at once; what each complained of. */
const holders = (lock: string, ...args: ReadonlyArray<string>) =>
  Promise.all(
    Array.from({ length: 4 }, () => {
      const child = spawn(process.execPath, [join(directory, "holder.mjs"), lock, ...args], {
        stdio: ["ignore", "ignore", "pipe"],
      })
      return text(child.stderr)
    }),
  )

describe("a lock that several processes want", () => {
  it.each(["keep", "drop"])("is had by one at a time, by each as often as it asks (%s)", async (drop) => {
    expect(await holders(join(directory, drop, "lock"), "300", drop)).toEqual(["", "", "", ""])
  })
})
