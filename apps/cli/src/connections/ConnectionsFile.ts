/**
 * Services that have been given names: a file like Podman's `podman-connections.json` (containers/common
 * `pkg/config/connections.go`), whose other fields are kept.
 */
import * as fs from "node:fs"
import { homedir } from "node:os"
import { dirname, join } from "node:path"
import type { StorageFailed } from "@cryopod/entities"
import { attemptSync, writeAtomic } from "@cryopod/host"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { Problem } from "../output.ts"

export const NamedConnection = Schema.Struct({
  URI: Schema.String,
  /** File with the key for ssh. */
  Identity: Schema.optionalKey(Schema.String),
  /** PEM files for tcp. */
  TLSCA: Schema.optionalKey(Schema.String),
  TLSCert: Schema.optionalKey(Schema.String),
  TLSKey: Schema.optionalKey(Schema.String),
})
export type NamedConnection = typeof NamedConnection.Type

const open = <const Fields extends Schema.Struct.Fields>(fields: Fields) =>
  Schema.StructWithRest(Schema.Struct(fields), [Schema.Record(Schema.String, Schema.Unknown)])

const ConnectionsFile = open({
  Connection: Schema.optionalKey(
    open({
      Default: Schema.optionalKey(Schema.String),
      Connections: Schema.optionalKey(Schema.NullOr(Schema.Record(Schema.String, NamedConnection))),
    }),
  ),
})

export interface Connections {
  /** Name of the one that `--remote` means. */
  readonly preferred: string | undefined
  readonly named: Readonly<Record<string, NamedConnection>>
}

type Environment = Readonly<Record<string, string | undefined>>

export const connectionsPath = (env: Environment): string =>
  env["CRYOPOD_CONNECTIONS_CONF"] ||
  join(env["XDG_CONFIG_HOME"] || join(env["HOME"] || homedir(), ".config"), "containers/cryopod-connections.json")

/** None when there is no file. */
export const readConnections = (path: string): Result.Result<Connections, Problem> =>
  Result.map(readFile(path), ({ Connection: { Connections: named, Default: preferred } = {} }) => ({
    preferred: preferred === "" ? undefined : preferred,
    named: named ?? {},
  }))

const decode = Schema.decodeUnknownResult(Schema.fromJsonString(ConnectionsFile))

const readFile = (path: string): Result.Result<typeof ConnectionsFile.Type, Problem> => {
  if (!fs.existsSync(path)) return Result.succeed({})
  return Result.mapError(
    decode(fs.readFileSync(path, "utf8")),
    ({ message }) => new Problem({ text: `${path}: not a file of connections: ${message}` }),
  )
}

/** Change the file, which is whole at every instant. */
export const editConnections = <E>(
  path: string,
  edit: (connections: Connections) => Result.Result<Connections, E>,
): Effect.Effect<void, E | Problem | StorageFailed> =>
  Effect.gen(function* () {
    const file = yield* Effect.fromResult(readFile(path))
    const { named, preferred } = yield* Effect.fromResult(
      Result.flatMap(readConnections(path), (connections): Result.Result<Connections, E | Problem> =>
        edit(connections),
      ),
    )
    yield* attemptSync("make directory", dirname(path), () => fs.mkdirSync(dirname(path), { recursive: true }))
    const Connection = { ...file.Connection, Default: preferred ?? "", Connections: named }
    yield* writeAtomic(path, `${JSON.stringify({ ...file, Connection }, undefined, 2)}\n`)
  })
