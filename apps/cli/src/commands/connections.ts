/** `system connection`: names for services of other hosts. None of these needs an engine. */
import * as fs from "node:fs"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import {
  type Connections,
  connectionsPath,
  editConnections,
  type NamedConnection,
  readConnections,
} from "../connections/ConnectionsFile.ts"
import { givenFormat, printRows, type RowFormat } from "../format.ts"
import { type CliCommand, withoutEngine } from "../Handler.ts"
import { candidatesOf, type CompletionHook, exactArgs, noArgs, valuesOf } from "../kit/index.ts"
import { printLine, printWarning, Problem } from "../output.ts"

const names: CompletionHook = () =>
  Promise.resolve(
    candidatesOf(
      Result.match(readConnections(connectionsPath(process.env)), {
        onSuccess: ({ named }) => Object.keys(named),
        onFailure: () => [],
      }),
    ),
  )

const undefinedName = (name: string) =>
  new Problem({
    text: `${JSON.stringify(name)} destination is not defined. See "cryopod system connection add ..." to create a connection`,
  })

const edit = <E>(change: (connections: Connections) => Result.Result<Connections, E>) =>
  Effect.as(editConnections(connectionsPath(process.env), change), 0)

const addFlags = {
  default: { kind: "bool", short: "d", usage: "Set connection to be default" },
  identity: { kind: "string", usage: "Path to SSH identity file" },
  port: { kind: "int", short: "p", usage: "SSH port number for destination", default: 22 },
  "socket-path": {
    kind: "string",
    usage: "Path to cryopod socket on remote host",
    defaultText: "/run/cryopod/cryopod.sock",
  },
  "tls-ca": { kind: "string", usage: "PEM file with the authorities that vouch for a tcp server", valueName: "file" },
  "tls-cert": { kind: "string", usage: "PEM file with the client's certificate, for tcp", valueName: "file" },
  "tls-key": { kind: "string", usage: "PEM file with the key of that certificate", valueName: "file" },
} as const

const add: CliCommand = {
  name: "add",
  short: "Record destination for the service",
  long: 'Add destination to the file of connections.\n"destination" is one of the form:\n  [user@]hostname (will default to ssh)\n  ssh://[user@]hostname[:port][/path]\n  tcp://hostname:port\n  unix://path (absolute path required)',
  use: "[options] NAME DESTINATION",
  example:
    "cryopod system connection add laptop server.fubar.com\ncryopod system connection add --identity ~/.ssh/dev_rsa testing ssh://root@server.fubar.com:2222\ncryopod system connection add debug tcp://localhost:8080",
  flags: addFlags,
  args: exactArgs(2),
  handler: withoutEngine((call) =>
    Effect.gen(function* () {
      const [name = "", place = ""] = call.args
      const flags = valuesOf(call, addFlags)
      const URI = uriOf(place, {
        port: call.changed.has("port") ? flags.port : undefined,
        socket: flags["socket-path"],
      })
      // loaded by those who need it: every command would wait for the client otherwise
      const { destinationOf } = yield* Effect.promise(() => import("@cryopod/tunnel"))
      const destination = yield* Effect.fromResult(destinationOf(URI))
      if (destination._tag === "Unix" && !fs.existsSync(destination.path))
        yield* printWarning(`${JSON.stringify(destination.path)} does not exist`)
      for (const [option, path] of [
        ["identity", flags.identity],
        ["TLS authority", flags["tls-ca"]],
        ["certificate", flags["tls-cert"]],
        ["key", flags["tls-key"]],
      ] as const) {
        if (path !== "" && !fs.existsSync(path))
          return yield* new Problem({
            text: `failed to validate: failed to read ${option} ${JSON.stringify(path)}: open ${path}: no such file or directory`,
          })
      }
      const connection: NamedConnection = {
        URI,
        ...(flags.identity === "" ? {} : { Identity: flags.identity }),
        ...(flags["tls-ca"] === "" ? {} : { TLSCA: flags["tls-ca"] }),
        ...(flags["tls-cert"] === "" ? {} : { TLSCert: flags["tls-cert"] }),
        ...(flags["tls-key"] === "" ? {} : { TLSKey: flags["tls-key"] }),
      }
      return yield* edit(({ named, preferred }) =>
        Result.succeed({
          named: { ...named, [name]: connection },
          // the first one is the default
          preferred: flags.default || Object.keys(named).length === 0 ? name : preferred,
        }),
      )
    }),
  ),
}

/** A host by its name is one for ssh. */
const uriOf = (
  place: string,
  { port, socket }: { readonly port: number | undefined; readonly socket: string },
): string => {
  const uri = /^[a-z]+:/.test(place) ? place : `ssh://${place}`
  const ssh = uri.startsWith("ssh:") ? URL.parse(uri) : null
  if (ssh === null) return uri
  if (ssh.port === "" && port !== undefined) ssh.port = String(port)
  if (socket !== "") ssh.pathname = socket
  return ssh.href
}

interface Row {
  readonly Name: string
  readonly URI: string
  readonly Identity?: string
  readonly Default: boolean
  readonly ReadWrite: boolean
}

const format: RowFormat<Row> = {
  standard: "{{.Name}}\t{{.URI}}\t{{.Identity}}\t{{.Default}}\t{{.ReadWrite}}",
  // as Podman writes them, unlike those of other lists
  headings: { Name: "Name", URI: "URI", Identity: "Identity", Default: "Default", ReadWrite: "ReadWrite" },
  headingsAsTheyAre: true,
  name: "list",
  typeName: "connection.namedDestination",
  fields: (row) => ({ Identity: "", ...row }),
  json: (rows) => rows,
}

const listFlags = {
  format: { kind: "string", short: "f", usage: "Custom Go template for printing connections" },
  quiet: { kind: "bool", short: "q", usage: "Names only" },
} as const

const list: CliCommand = {
  name: "list",
  aliases: ["ls"],
  short: "List destination for the service(s)",
  use: "[options]",
  example: "cryopod system connection list\ncryopod system connection ls --format=json",
  flags: listFlags,
  args: noArgs,
  handler: withoutEngine((call) =>
    Effect.gen(function* () {
      const { quiet } = valuesOf(call, listFlags)
      const { named, preferred } = yield* Effect.fromResult(readConnections(connectionsPath(process.env)))
      const rows = Object.entries(named)
        .toSorted(([one], [other]) => (one < other ? -1 : 1))
        .map(([Name, { Identity, URI }]) => ({
          Name,
          URI,
          ...(Identity === undefined ? {} : { Identity }),
          Default: Name === preferred,
          ReadWrite: true,
        }))
      if (quiet) for (const { Name } of rows) yield* printLine(Name)
      else yield* printRows(rows, format, { format: givenFormat(call), noHeading: false })
      return 0
    }),
  ),
}

const removeFlags = { all: { kind: "bool", short: "a", usage: "Remove all connections" } } as const

const remove: CliCommand = {
  name: "remove",
  aliases: ["rm"],
  short: "Delete named destination",
  use: "[options] NAME",
  example: "cryopod system connection remove devl",
  flags: removeFlags,
  args: (context) => (context.flags["all"] === true ? undefined : exactArgs(1)(context)),
  complete: names,
  handler: withoutEngine((call) =>
    edit(({ named, preferred }) => {
      if (valuesOf(call, removeFlags).all) return Result.succeed({ named: {}, preferred: undefined })
      const [name = ""] = call.args
      const { [name]: _, ...others } = named
      return Result.succeed({ named: others, preferred: preferred === name ? undefined : preferred })
    }),
  ),
}

const makeDefault: CliCommand = {
  name: "default",
  short: "Set named destination as default",
  use: "NAME",
  example: "cryopod system connection default testing",
  args: exactArgs(1),
  complete: names,
  handler: withoutEngine(({ args: [name = ""] }) =>
    edit((connections) =>
      connections.named[name] === undefined
        ? Result.fail(undefinedName(name))
        : Result.succeed({ ...connections, preferred: name }),
    ),
  ),
}

const rename: CliCommand = {
  name: "rename",
  aliases: ["mv"],
  short: 'Rename "old" to "new"',
  use: "OLD NEW",
  example: "cryopod system connection rename laptop devl",
  args: exactArgs(2),
  complete: names,
  handler: withoutEngine(({ args: [from = "", to = ""] }) =>
    edit(({ named, preferred }) => {
      const { [from]: moved, ...others } = named
      return moved === undefined
        ? Result.fail(undefinedName(from))
        : Result.succeed({ named: { ...others, [to]: moved }, preferred: preferred === from ? to : preferred })
    }),
  ),
}

export const connection: CliCommand = {
  name: "connection",
  short: "Manage remote API service destinations",
  commands: [add, makeDefault, list, remove, rename],
}
