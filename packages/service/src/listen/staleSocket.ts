/** A socket that a dead service has left behind makes way; one that answers does not. */
import * as fs from "node:fs"
import { connect } from "node:net"
import * as Effect from "effect/Effect"
import { ListenFailed } from "./ListenFailures.ts"

export const clearStaleSocket = (path: string): Effect.Effect<void, ListenFailed> =>
  Effect.gen(function* () {
    const address = `unix://${path}`
    const there = fs.lstatSync(path, { throwIfNoEntry: false })
    if (there === undefined) return
    if (!there.isSocket()) return yield* new ListenFailed({ address, code: "ENOTSOCK", detail: "not a socket" })
    if (yield* answers(path)) return yield* new ListenFailed({ address, code: "EADDRINUSE", detail: "in use" })
    yield* Effect.try({
      try: () => fs.rmSync(path, { force: true }),
      catch: (cause) => {
        const { code = "EIO", message } = cause as NodeJS.ErrnoException
        return new ListenFailed({ address, code, detail: message })
      },
    })
  })

/** Whether somebody listens; a service that is too busy to answer at once does. */
const answers = (path: string): Effect.Effect<boolean> =>
  Effect.callback<boolean>((resume) => {
    const socket = connect(path)
    socket.once("connect", () => resume(Effect.succeed(true)))
    socket.once("error", ({ code }: NodeJS.ErrnoException) =>
      resume(Effect.succeed(code !== "ECONNREFUSED" && code !== "ENOENT")),
    )
    return Effect.sync(() => socket.destroy())
  }).pipe(Effect.scoped)
