import * as fs from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { runLingering } from "@cryopod/host"
import * as Effect from "effect/Effect"
import { afterAll, expect, it } from "vitest"

const directory = fs.mkdtempSync(join(tmpdir(), "cryopod-lingering-"))
afterAll(() => fs.rmSync(directory, { recursive: true, force: true }))

/** Says something, waits for the end of its input, and reads then what its third descriptor leads to. */
const script = 'echo "$$" >"$1"; echo; exec >&-; read -r _; cat <&3 >"$2.new"; mv "$2.new" "$2"'

const lingering = async (name: string, millis: number) => {
  const [pid, heard, held] = ["pid", "heard", "held"].map((kind) => join(directory, `${name}.${kind}`)) as [
    string,
    string,
    string,
  ]
  fs.writeFileSync(held, "held\n")
  const descriptor = fs.openSync(held, "r")
  await Effect.runPromise(
    runLingering("/bin/sh", ["-c", script, "sh", pid, heard], { descriptors: [descriptor], millis }),
  )
  fs.closeSync(descriptor)
  return { heard, pid: Number(fs.readFileSync(pid, "utf8")) }
}

it("goes on with its descriptors when it has said something, until the time is over", async () => {
  const { heard, pid } = await lingering("time", 1000)
  expect(() => process.kill(pid, 0)).not.toThrow()
  expect(fs.existsSync(heard)).toBe(false)
  await expect.poll(() => fs.existsSync(heard), { timeout: 20_000 }).toBe(true)
  expect(fs.readFileSync(heard, "utf8")).toBe("held\n")
})

it("a program that ends without a word is over", async () => {
  const running = Effect.exit(runLingering("/bin/false", [], { descriptors: [], millis: 60_000 }))
  expect((await Effect.runPromise(running))._tag).toBe("Success")
})

it("a program that is not there is named", async () => {
  const absent = join(directory, "absent")
  const failure = await Effect.runPromise(Effect.flip(runLingering(absent, [], { descriptors: [], millis: 1 })))
  expect(failure.message).toContain(absent)
})
