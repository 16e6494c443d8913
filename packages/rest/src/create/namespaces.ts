/** Namespaces as documents write them, and as options do. */
import { NotSupported } from "@cryopod/entities"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"

/** `{"nsmode": "container", "value": "web"}` (podman `pkg/specgen/namespaces.go`). */
export const SpecNamespace = Schema.Struct({
  nsmode: Schema.optionalKey(Schema.String),
  value: Schema.optionalKey(Schema.String),
})
export type SpecNamespace = typeof SpecNamespace.Type

/** Where nobody asked for anything in particular. */
const unasked = new Set(["", "default"])

/** The text of `--pid` and its like; `own` are the modes that are written as they are. */
export const namespaceText = (
  field: string,
  namespace: SpecNamespace | null | undefined,
  own: ReadonlyArray<string>,
): Result.Result<string, NotSupported> => {
  const { nsmode = "", value = "" } = namespace ?? {}
  if (unasked.has(nsmode)) return Result.succeed("")
  if (nsmode === "container" && value !== "") return Result.succeed(`container:${value}`)
  if (nsmode === "from-pod" || nsmode === "pod") return Result.succeed("pod")
  if (nsmode === "host" || own.includes(nsmode)) return Result.succeed(nsmode)
  return Result.fail(new NotSupported({ what: `${field} ${JSON.stringify(nsmode)}` }))
}

export const specNamespace = (text: string): SpecNamespace => {
  const ref = /^container:(.+)$/.exec(text)?.[1]
  if (ref !== undefined) return { nsmode: "container", value: ref }
  return text === "" ? {} : { nsmode: text === "pod" ? "from-pod" : text }
}
