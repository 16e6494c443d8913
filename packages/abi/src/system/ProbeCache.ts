/**
 * What programs said of themselves, kept from one process to the next in `RUNROOT/probes.json`.
 *
 * An entry counts as long as the program's file is the same (inode, size, modification time). The file is a help and
 * never a source of truth: one that is damaged, foreign or not writable is as good as none, and it is gone at reboot.
 */
import * as fs from "node:fs"
import { dirname } from "node:path"
import { makeDirectory, writeAtomic } from "@cryopod/host"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"

const Entry = Schema.Struct({
  inode: Schema.Finite,
  sizeBytes: Schema.Finite,
  modifiedMillis: Schema.Finite,
  output: Schema.String,
})
type Entry = typeof Entry.Type

/** By path of the program and the words it was asked with. */
const CacheFile = Schema.fromJsonString(
  Schema.Struct({ format: Schema.Literal(1), programs: Schema.Record(Schema.String, Entry) }),
)

export interface ProbeCache {
  /** What the program at `path` answered to `args`, unless it has changed since. */
  readonly recall: (path: string, args: ReadonlyArray<string>) => Effect.Effect<Option.Option<string>>
  readonly remember: (path: string, args: ReadonlyArray<string>, output: string) => Effect.Effect<void>
}

export const makeProbeCache = (file: string): ProbeCache => ({
  recall: (path, args) =>
    Effect.sync(() => {
      const identity = identityOf(path)
      const entry = read(file)[keyOf(path, args)]
      return identity !== undefined && entry !== undefined && isSame(identity, entry)
        ? Option.some(entry.output)
        : Option.none()
    }),
  // two processes that write at once lose one answer between them, which is then asked for again
  remember: (path, args, output) =>
    Effect.gen(function* () {
      const identity = identityOf(path)
      if (identity === undefined) return
      const programs = { ...read(file), [keyOf(path, args)]: { ...identity, output } }
      yield* makeDirectory(dirname(file))
      yield* writeAtomic(file, `${JSON.stringify({ format: 1, programs })}\n`)
    }).pipe(Effect.ignore),
})

type Identity = Omit<Entry, "output">

const identityOf = (path: string): Identity | undefined => {
  const stat = fs.statSync(path, { throwIfNoEntry: false })
  return stat === undefined ? undefined : { inode: stat.ino, sizeBytes: stat.size, modifiedMillis: stat.mtimeMs }
}

const isSame = (left: Identity, right: Identity) =>
  left.inode === right.inode && left.sizeBytes === right.sizeBytes && left.modifiedMillis === right.modifiedMillis

const keyOf = (path: string, args: ReadonlyArray<string>) => [path, ...args].join(" ")

const read = (file: string): Readonly<Record<string, Entry>> => {
  try {
    const content = Schema.decodeUnknownOption(CacheFile)(fs.readFileSync(file, "utf8"))
    return Option.isSome(content) ? content.value.programs : {}
  } catch {
    return {}
  }
}
