/** Environment variables that a command line gives to a program in a container: by `--env`, and in files of `--env-file`. */
import { readFileSync } from "node:fs"
import { Failure, StorageFailed } from "@cryopod/entities"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Problem } from "./output.ts"

/** A variable without a name. */
class VariableInvalid extends Failure("VariableInvalid", { variable: Schema.String }) {
  override get message() {
    return `invalid variable: ${JSON.stringify(this.variable)}`
  }
}

/** Variables as they were given, those of files first; a name without a value has the one that it has here, if it has one. */
export const givenVariables = Effect.fnUntraced(function* (
  files: ReadonlyArray<string>,
  given: ReadonlyArray<string>,
): Effect.fn.Return<ReadonlyArray<string>, Problem | VariableInvalid> {
  const variables = [...(yield* Effect.forEach(files, variablesIn)).flat(), ...given]
  const nameless = variables.find((variable) => variable.startsWith("="))
  if (nameless !== undefined) return yield* new VariableInvalid({ variable: nameless })
  return variables.flatMap(withValue)
})

const withValue = (variable: string): ReadonlyArray<string> => {
  if (variable.includes("=")) return [variable]
  const value = process.env[variable]
  return value === undefined ? [] : [`${variable}=${value}`]
}

/** Lines of a file of variables; `#` begins a comment. */
const variablesIn = (file: string) =>
  Effect.try({
    try: () => readFileSync(file, "utf8"),
    catch: (cause) => new Problem({ text: `parsing file ${JSON.stringify(file)}: ${openWords(cause, file)}` }),
  }).pipe(
    Effect.map((text) =>
      text
        .split("\n")
        .map((line) => line.trimStart())
        .filter((line) => line !== "" && !line.startsWith("#")),
    ),
  )

/** Why a file could not be opened. */
export const openWords = (cause: unknown, path: string): string =>
  new StorageFailed({ operation: "open", path, code: (cause as NodeJS.ErrnoException).code ?? "" }).message

export const envFileFlag = {
  "env-file": { kind: "stringArray", usage: "Read in a file of environment variables" },
} as const
