/**
 * Credentials of the `X-Registry-Auth` header: base64 of Docker's AuthConfig, either for one registry or a map of them
 * (podman `pkg/auth/auth.go`).
 */
import { OptionInvalid } from "@cryopod/entities"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"

const One = Schema.Struct({
  username: Schema.optionalKey(Schema.String),
  password: Schema.optionalKey(Schema.String),
  auth: Schema.optionalKey(Schema.String),
  identitytoken: Schema.optionalKey(Schema.String),
})

const Header = Schema.fromJsonString(Schema.Union([Schema.Record(Schema.String, One), One]))

/** `USER:PASSWORD` for the registry of a reference; empty when the header has none for it. */
export const registryCredentials = (
  header: string | undefined,
  reference: string,
): Result.Result<string, OptionInvalid> => {
  if (header === undefined || header === "") return Result.succeed("")
  const refuse = (problem: string) =>
    Result.fail(new OptionInvalid({ option: "X-Registry-Auth", value: "(hidden)", problem }))
  const decoded = Schema.decodeUnknownResult(Header)(Buffer.from(header, "base64").toString("utf8"))
  if (Result.isFailure(decoded)) return refuse("not base64 of JSON with credentials")
  const one = isOne(decoded.success) ? decoded.success : forRegistry(decoded.success, reference)
  if (one === undefined) return Result.succeed("")
  if (one.identitytoken) return refuse("identity tokens are not passed on")
  if (one.auth) return Result.succeed(Buffer.from(one.auth, "base64").toString("utf8"))
  return Result.succeed(one.username ? `${one.username}:${one.password ?? ""}` : "")
}

const isOne = (config: typeof Header.Type): config is typeof One.Type =>
  Object.values(config).every((value) => typeof value === "string")

/** The entry of the longest name that the reference begins with; Docker's own registry has an older name. */
const forRegistry = (configs: Readonly<Record<string, typeof One.Type>>, reference: string) =>
  Object.entries(configs)
    .map(([name, config]) => [name.replace(/^https?:\/\//, "").replace(/\/v1\/?$/, ""), config] as const)
    .filter(([name]) => reference === name || reference.startsWith(`${name}/`))
    .toSorted(([one], [other]) => other.length - one.length)[0]?.[1]
