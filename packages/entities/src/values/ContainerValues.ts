/** Those values of a container that are read from texts, and cannot be wrong in other ways afterwards. Pure. */
import * as Result from "effect/Result"
import type { ContainerOptionInvalid } from "../failures/ContainerFailures.ts"
import type { CreateFlags } from "../options/CreateOptions.ts"
import { knownCapabilities } from "./Capability.ts"
import { shmSizeOf } from "./Size.ts"
import { parseUlimit, type Rlimit } from "./Ulimit.ts"

export interface ContainerValues {
  readonly shmSizeBytes: number
  readonly rlimits: ReadonlyArray<Rlimit>
}

export const containerValues = ({
  capAdd,
  capDrop,
  shmSize,
  ulimit,
}: Pick<CreateFlags, "shmSize" | "ulimit" | "capAdd" | "capDrop">): Result.Result<
  ContainerValues,
  ContainerOptionInvalid
> =>
  Result.gen(function* () {
    const shmSizeBytes = yield* shmSizeOf(shmSize)
    const rlimits = yield* Result.all(ulimit.map(parseUlimit))
    yield* knownCapabilities([...capAdd, ...capDrop])
    return { shmSizeBytes, rlimits }
  })
