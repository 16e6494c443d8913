/** Options of CRIU's own, as far as they can be had here. */
import {
  type CriuDumpOptions,
  type CriuRestoreOptions,
  CriuUnfit,
  type ToolMissing,
  type RuntimeName,
} from "@cryopod/entities"
import { formatCriuInteger } from "@cryopod/criu"
import * as Effect from "effect/Effect"
import { Probes } from "../system/Probes.ts"

/** What the caller says, and what this engine knows of the dump. */
export const neededOptions = (
  given: CriuRestoreOptions,
  known: CriuRestoreOptions | undefined,
): CriuRestoreOptions => ({
  extUnixSk: given.extUnixSk || known?.extUnixSk === true,
  shellJob: given.shellJob || known?.shellJob === true,
})

/** From this version on crun can hand a configuration on to CRIU (`src/libcrun/criu.c`, libcriu 4.2). */
const crunConfigurable = 40_200

/** An option that CRIU would not hear of is refused. */
export const requireCriuConfigurable = Effect.fn("criu.configurable")(function* (
  runtime: RuntimeName,
  options: Partial<CriuDumpOptions>,
): Effect.fn.Return<void, CriuUnfit | ToolMissing, Probes> {
  const { extUnixSk, ghostLimitBytes, linkRemap, networkLock, shellJob, skipInFlight } = options
  const wanted = extUnixSk || linkRemap || shellJob || skipInFlight || (ghostLimitBytes ?? networkLock) !== undefined
  if (runtime === "runc" || !wanted) return
  const { version } = yield* (yield* Probes).criu
  if (version >= crunConfigurable) return
  const found = formatCriuInteger(version)
  return yield* new CriuUnfit({
    problem: `crun hands options of CRIU on to ${formatCriuInteger(crunConfigurable)} and newer, and this is CRIU ${found}`,
    remedy: "install a newer one, or do without the options",
  })
})
