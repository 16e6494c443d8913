/** Those values of a container that are read from texts, and cannot be wrong in other ways afterwards. Pure. */
import * as Result from "effect/Result"
import { ContainerOptionInvalid } from "../failures/ContainerFailures.ts"
import type { CreateFlags } from "../options/CreateOptions.ts"
import { knownCapabilities } from "./Capability.ts"
import { splitPair } from "./KeyValues.ts"
import { parseRestartPolicy, type RestartPolicy } from "./RestartPolicy.ts"
import { shmSizeOf } from "./Size.ts"
import { parseUlimit, type Rlimit } from "./Ulimit.ts"

export interface ContainerValues {
  readonly restartPolicy: RestartPolicy
  readonly shmSizeBytes: number
  readonly rlimits: ReadonlyArray<Rlimit>
}

export const containerValues = ({
  capAdd,
  capDrop,
  label,
  restart,
  shmSize,
  ulimit,
}: Pick<CreateFlags, "capAdd" | "capDrop" | "label" | "restart" | "shmSize" | "ulimit">): Result.Result<
  ContainerValues,
  ContainerOptionInvalid
> =>
  Result.gen(function* () {
    const shmSizeBytes = yield* shmSizeOf(shmSize)
    const rlimits = yield* Result.all(ulimit.map(parseUlimit))
    yield* knownCapabilities([...capAdd, ...capDrop])
    const nameless = label.find((text) => splitPair(text)[0] === "")
    if (nameless !== undefined) {
      return yield* Result.fail(new ContainerOptionInvalid({ problem: "label", value: nameless }))
    }
    return { shmSizeBytes, rlimits, restartPolicy: yield* restartPolicyOf(restart) }
  })

const restartPolicyOf = (text: string): Result.Result<RestartPolicy, ContainerOptionInvalid> => {
  const policy = parseRestartPolicy(text)
  return typeof policy === "string"
    ? Result.fail(new ContainerOptionInvalid({ problem: "restart", value: text, detail: policy }))
    : Result.succeed(policy)
}

/** What goes when it stops is not to come again. Undefined when nothing stands against the options. */
export const restartRefusal = ({
  autoRemove,
  restart,
}: Pick<CreateFlags, "autoRemove" | "restart">): ContainerOptionInvalid | undefined =>
  autoRemove && restart !== "" && restart !== "no"
    ? new ContainerOptionInvalid({
        problem: "restart",
        value: restart,
        detail: 'the --rm option conflicts with --restart, when the restartPolicy is not "" and "no"',
      })
    : undefined
