/**
 * Credentials for a registry as libpod's clients send them: base64 of Docker's AuthConfig (podman `pkg/auth/auth.go`). A
 * file of credentials is one of this host; the service knows its own.
 */
import * as fs from "node:fs"
import { OptionInvalid, parsePlace, parseReference } from "@cryopod/entities"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"

const AuthFile = Schema.fromJsonString(
  Schema.Struct({
    auths: Schema.Record(Schema.String, Schema.Struct({ auth: Schema.optionalKey(Schema.String) })),
  }),
)

interface Access {
  readonly creds: string
  readonly authfile: string
}

export const registryHeader = (
  ref: string,
  { authfile, creds }: Access,
): Effect.Effect<{ readonly "x-registry-auth"?: string }, OptionInvalid> =>
  Effect.gen(function* () {
    if (creds !== "") {
      const colon = creds.indexOf(":")
      return colon < 0
        ? headerOf({ username: creds, password: "" })
        : headerOf({ username: creds.slice(0, colon), password: creds.slice(colon + 1) })
    }
    if (authfile === "") return {}
    const invalid = (problem: string) => new OptionInvalid({ option: "authfile", value: authfile, problem })
    const text = yield* Effect.try({
      try: () => fs.readFileSync(authfile, "utf8"),
      catch: (cause) => invalid((cause as Error).message),
    })
    const { auths } = yield* Effect.mapError(Schema.decodeUnknownEffect(AuthFile)(text), () =>
      invalid("not a file of credentials"),
    )
    const registry = registryOf(ref)
    const entry = Object.entries(auths).find(([name]) => registryName(name) === registry)?.[1]
    if (entry?.auth === undefined) return {}
    const [username = "", ...rest] = Buffer.from(entry.auth, "base64").toString("utf8").split(":")
    return headerOf({ username, password: rest.join(":") })
  })

const headerOf = (config: { readonly username: string; readonly password: string }) => ({
  "x-registry-auth": Buffer.from(JSON.stringify(config)).toString("base64url"),
})

const registryName = (name: string): string => name.replace(/^https?:\/\//, "").split("/", 1)[0] ?? ""

const registryOf = (ref: string): string | undefined => {
  const place = Result.getOrUndefined(parsePlace(ref))
  const name = place?._tag === "Registry" ? place.name : ref
  return Result.getOrUndefined(parseReference(name))?.registry
}
