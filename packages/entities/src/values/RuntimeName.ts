/** OCI runtimes that an engine drives, by name. */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { RuntimeUnknown } from "../failures/HostFailures.ts"

export const RuntimeName = Schema.Literals(["runc", "crun"])
export type RuntimeName = typeof RuntimeName.Type

/** A name out of a text, which is no path; `said` is what its caller said for it. */
export const runtimeNamed = (text: string, said = text): Result.Result<RuntimeName, RuntimeUnknown> => {
  const name = RuntimeName.literals.find((known) => known === text)
  return name === undefined ? Result.fail(new RuntimeUnknown({ name: said })) : Result.succeed(name)
}

/** The option of whoever insists on a runtime by its name; none of whoever does not. */
export const insistedRuntime = (
  text: string | undefined,
): Result.Result<{ readonly runtime?: RuntimeName }, RuntimeUnknown> =>
  text === undefined ? Result.succeed({}) : Result.map(runtimeNamed(text), (runtime) => ({ runtime }))
