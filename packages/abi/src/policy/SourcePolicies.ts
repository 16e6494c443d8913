/**
 * Which policy a checkpoint is held against when its caller names none: that of where it comes from, as a file of this host
 * says it.
 *
 *   {
 *     "default": "default",
 *     "images": { "registry.example/team": "trusted" },
 *     "archives": { "/srv/checkpoints": { "capabilities": ["CAP_NET_RAW"] } }
 *   }
 *
 * A policy is a name or a document, as for the caller. An image comes from where it was pulled; what an archive says of its
 * own name is no origin. Pure.
 */
import { type RestorePolicyChoice, defaultRestorePolicy, restorePolicies, restorePolicyOf } from "@cryopod/entities"
import { isAbsolute, normalize } from "node:path"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"

/** Where a checkpoint comes from. */
export type CheckpointOrigin =
  | {
      readonly _tag: "Image"
      /** Names in registries that it was pulled by. */
      readonly names: ReadonlyArray<string>
    }
  | {
      readonly _tag: "Archive"
      /** Where it lies, with that of a pre-checkpoint that it builds on; without links. One of no file comes from nowhere. */
      readonly paths: ReadonlyArray<string | undefined>
    }

export interface SourcePolicy {
  readonly policy: RestorePolicyChoice
  /** The entry of the file; absent for what no entry is about. */
  readonly entry?: string
}

export interface SourcePolicies {
  readonly default: RestorePolicyChoice
  readonly images: ReadonlyMap<string, RestorePolicyChoice>
  readonly archives: ReadonlyMap<string, RestorePolicyChoice>
}

/** What a host without a file has. */
export const noSourcePolicies: SourcePolicies = {
  default: defaultRestorePolicy,
  images: new Map(),
  archives: new Map(),
}

const Entries = Schema.optionalKey(Schema.Record(Schema.String, Schema.Unknown))
const Document = Schema.fromJsonString(
  Schema.Struct({ default: Schema.optionalKey(Schema.Unknown), images: Entries, archives: Entries }),
)
const decode = Schema.decodeUnknownResult(Document, { onExcessProperty: "error" })

/** A failure is what is wrong with the text. */
export const parseSourcePolicies = (text: string): Result.Result<SourcePolicies, string> =>
  Result.gen(function* () {
    const read = yield* Result.mapError(decode(text), ({ message }) => message.replaceAll(/\s*\n\s*/g, " "))
    return {
      default: read.default === undefined ? defaultRestorePolicy : yield* entryOf("default", read.default),
      images: yield* entriesOf("images", read.images ?? {}, isScope, "a registry, with or without a repository"),
      archives: yield* entriesOf("archives", read.archives ?? {}, isDirectory, "an absolute path of a directory"),
    }
  })

const entriesOf = (
  kind: string,
  entries: Readonly<Record<string, unknown>>,
  isKey: (key: string) => boolean,
  what: string,
): Result.Result<ReadonlyMap<string, RestorePolicyChoice>, string> =>
  Result.gen(function* () {
    const policies = new Map<string, RestorePolicyChoice>()
    for (const [key, value] of Object.entries(entries)) {
      if (!isKey(key)) return yield* Result.fail(`${kind}: ${JSON.stringify(key)} is not ${what}`)
      policies.set(key, yield* entryOf(`${kind}: ${JSON.stringify(key)}`, value))
    }
    return policies
  })

const entryOf = (where: string, value: unknown): Result.Result<RestorePolicyChoice, string> => {
  const known = typeof value === "string" ? restorePolicies[value] : undefined
  if (known !== undefined) return Result.succeed(known)
  if (typeof value !== "object" || value === null)
    return Result.fail(`${where}: ${JSON.stringify(value)} is no policy, give ${names} or a document`)
  return Result.mapError(restorePolicyOf(JSON.stringify(value)), (problem) => `${where}: ${problem}`)
}

const names = Object.keys(restorePolicies).join(", ")

/** The beginning of a full name, up to where one of its parts ends. */
const isScope = (key: string): boolean =>
  /^(?:[\w-]+(?:\.[\w-]+)+|localhost|[\w.-]+:\d+)(?::\d+)?(?:\/[^\s/]+)*$/.test(key)
const isDirectory = (key: string): boolean =>
  isAbsolute(key) && (key === "/" || normalize(key).replace(/\/$/, "") === key)

/** The longest entry that is about the source. Of several names, and of one archive, the most precise word counts. */
export const sourcePolicy = (policies: SourcePolicies, origin: CheckpointOrigin): SourcePolicy => {
  const entries = origin._tag === "Image" ? policies.images : policies.archives
  const found =
    origin._tag === "Image"
      ? longest(origin.names.map((name) => entryAbout(entries, name, /^[/:@]/)))
      : // one that builds on an archive from another place comes from neither
        common(origin.paths.map((path) => (path === undefined ? undefined : entryAbout(entries, path, /^\//))))
  const policy = found === undefined ? undefined : entries.get(found)
  return found === undefined || policy === undefined ? { policy: policies.default } : { policy, entry: found }
}

const entryAbout = (entries: ReadonlyMap<string, unknown>, name: string, end: RegExp): string | undefined =>
  longest([...entries.keys()].filter((key) => name === key || isPart(key, name, end)))

const isPart = (key: string, name: string, end: RegExp) =>
  name.startsWith(key) && (key.endsWith("/") || end.test(name.slice(key.length)))

const longest = (keys: ReadonlyArray<string | undefined>): string | undefined =>
  keys.reduce((best, key) => (key !== undefined && key.length > (best?.length ?? -1) ? key : best), undefined)

const common = ([first, ...others]: ReadonlyArray<string | undefined>): string | undefined =>
  others.every((other) => other === first) ? first : undefined
