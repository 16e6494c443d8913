/** Requests and connections that are under way, and when there have been none for a while. */
import type { Server } from "node:http"
import * as Effect from "effect/Effect"

/** Done when nobody has asked for anything for so long. Zero means never. */
export const untilIdle = (server: Server, idleMillis: number): Effect.Effect<void> =>
  idleMillis <= 0
    ? Effect.never
    : Effect.callback<void>((resume) => {
        let active = 0
        let timer: NodeJS.Timeout | undefined
        const rest = () => {
          clearTimeout(timer)
          if (active === 0) timer = setTimeout(() => resume(Effect.void), idleMillis)
        }
        const begin = (end: { once: (event: "close", listener: () => void) => unknown }) => {
          active++
          clearTimeout(timer)
          end.once("close", () => {
            active--
            rest()
          })
        }
        const request = (_: unknown, response: { once: (event: "close", listener: () => void) => unknown }) =>
          begin(response)
        server.on("request", request)
        server.on("upgrade", request)
        rest()
        return Effect.sync(() => {
          clearTimeout(timer)
          server.off("request", request)
          server.off("upgrade", request)
        })
      })
