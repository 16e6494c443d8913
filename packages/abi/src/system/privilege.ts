/** Containers, mounts and CRIU need root on this host; asked where the work is done. */
import { geteuid } from "node:process"
import { PrivilegeMissing } from "@cryopod/entities"
import * as Effect from "effect/Effect"

export const requireRoot = (operation: PrivilegeMissing["operation"]): Effect.Effect<void, PrivilegeMissing> =>
  Effect.suspend(() => (geteuid?.() === 0 ? Effect.void : Effect.fail(new PrivilegeMissing({ operation }))))
