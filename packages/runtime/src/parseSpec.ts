/**
 * A stranger's runtime configuration, read. What this project reads or changes is checked; the runtime checks the rest.
 * Pure.
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { OciSpec } from "./OciSpec.ts"

const text = Schema.String
const texts = Schema.optionalKey(Schema.NullOr(Schema.Array(text)))

const Checked = Schema.Struct({
  process: Schema.Struct({
    args: Schema.Array(text),
    env: texts,
    cwd: text,
    terminal: Schema.optionalKey(Schema.Boolean),
    rlimits: Schema.optionalKey(
      Schema.NullOr(Schema.Array(Schema.Struct({ type: text, soft: Schema.Number, hard: Schema.Number }))),
    ),
  }),
  root: Schema.Struct({ path: text, readonly: Schema.optionalKey(Schema.Boolean) }),
  hostname: Schema.optionalKey(text),
  mounts: Schema.Array(
    Schema.Struct({
      destination: text,
      type: Schema.optionalKey(text),
      source: Schema.optionalKey(text),
      options: texts,
    }),
  ),
  annotations: Schema.optionalKey(Schema.NullOr(Schema.Record(text, text))),
  linux: Schema.Struct({
    namespaces: Schema.Array(Schema.Struct({ type: text, path: Schema.optionalKey(text) })),
    seccomp: Schema.optionalKey(Schema.NullOr(Schema.Struct({ listenerPath: Schema.optionalKey(text) }))),
  }),
})

const check = Schema.decodeUnknownResult(Checked)

/** The document as it is, nothing added or taken away; a failure is what is wrong with it, on one line. */
export const parseSpec = (document: string): Result.Result<OciSpec, string> => {
  let spec: unknown
  try {
    spec = JSON.parse(document)
  } catch {
    return Result.fail("is not JSON")
  }
  return Result.match(check(spec), {
    onFailure: ({ message }) =>
      Result.fail(
        `is no OCI runtime configuration: ${message
          .split("\n")
          .map((line) => line.trim())
          .join(" ")}`,
      ),
    onSuccess: () => Result.succeed(spec as OciSpec),
  })
}
