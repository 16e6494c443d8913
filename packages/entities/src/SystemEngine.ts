/** The host of an engine: what it has, and whether it can checkpoint and restore. */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type { ContainerFailure, HostFailure } from "./failures/index.ts"
import type { CheckFlags } from "./options/SystemOptions.ts"
import type { SystemCheck, SystemInfo } from "./reports/SystemReports.ts"

export interface SystemEngineShape {
  readonly info: Effect.Effect<SystemInfo, HostFailure>
  /**
   * Look at the host's programs and facts, and with `deep` at the engine's own state. Every finding has a remedy beside it.
   * Changes nothing.
   */
  readonly check: (flags: CheckFlags) => Effect.Effect<SystemCheck, HostFailure>
  /** Bring a stopped container's record in order: what conmon calls when a container has ended. */
  readonly cleanup: (ref: string) => Effect.Effect<void, ContainerFailure>
}

export class SystemEngine extends Context.Service<SystemEngine, SystemEngineShape>()(
  "@cryopod/entities/SystemEngine",
) {}
