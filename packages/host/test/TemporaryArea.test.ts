import { spawn } from "node:child_process"
import { once } from "node:events"
import * as fs from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { sweepTemporary, temporaryArea } from "../src/index.ts"

const root = Effect.acquireRelease(
  Effect.sync(() => fs.mkdtempSync(join(tmpdir(), "cryopod-host-"))),
  (path) => Effect.sync(() => fs.rmSync(path, { recursive: true, force: true })),
)

const startTime = (pid: number) => fs.readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ")[19]

describe("temporary areas", () => {
  it.live("go with their scope, whatever became of the work", () =>
    Effect.gen(function* () {
      const temporary = join(yield* root, "tmp")
      for (const end of [Effect.void, Effect.fail("no"), Effect.interrupt, Effect.die("bug")]) {
        const exit = yield* Effect.exit(
          Effect.scoped(
            Effect.gen(function* () {
              const area = yield* temporaryArea(temporary)
              fs.mkdirSync(join(area, "a/b"), { recursive: true })
              fs.writeFileSync(join(area, "a/b/c"), "x")
              expect(fs.statSync(area).mode & 0o777).toBe(0o700)
              yield* end
            }),
          ),
        )
        expect(Exit.isSuccess(exit)).toBe(end === Effect.void)
        expect(fs.readdirSync(temporary)).toEqual([])
      }
    }).pipe(Effect.scoped),
  )

  it.live("of processes that are gone are swept, those of living ones are not", () =>
    Effect.gen(function* () {
      const temporary = join(yield* root, "tmp")
      const gone = spawn("true")
      yield* Effect.promise(() => once(gone, "exit"))
      const alive = spawn("sleep", ["60"])
      const names = {
        ofTheDead: `${gone.pid}-1-abc`,
        // the number is in use again, by another process
        ofAPredecessor: `${alive.pid}-1-abc`,
        ofTheLiving: `${alive.pid}-${startTime(alive.pid ?? 0)}-abc`,
        ofNobody: "something else",
      }
      for (const name of Object.values(names)) fs.mkdirSync(join(temporary, name, "deep"), { recursive: true })
      yield* Effect.scoped(temporaryArea(temporary))
      expect(fs.readdirSync(temporary).toSorted()).toEqual([names.ofTheLiving, names.ofNobody].toSorted())
      alive.kill()
      yield* Effect.promise(() => once(alive, "exit"))
      yield* sweepTemporary(temporary)
      expect(fs.readdirSync(temporary)).toEqual([names.ofNobody])
    }).pipe(Effect.scoped),
  )
})
