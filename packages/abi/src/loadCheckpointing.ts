import * as Effect from "effect/Effect"

export const loadCheckpointing = Effect.promise(() => import("./checkpointing.ts"))
