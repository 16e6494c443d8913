/** From the words of `system service` to a service that runs until it is ended. */
import * as fs from "node:fs"
import { dirname, join } from "node:path"
import { defaultRunroot } from "@cryopod/abi"
import { OptionInvalid } from "@cryopod/entities"
import { type Address, addressOf, type Certificates, serve } from "@cryopod/service"
import * as Effect from "effect/Effect"
import { refuse } from "../output.ts"
import { dockerVersion, libpodVersion, version } from "../version.ts"
import { inheritedSocket } from "./inheritedSocket.ts"
import { logTo } from "./logTo.ts"
import { signalled } from "./signalled.ts"
import { traced } from "./traced.ts"

export interface ServiceWords {
  readonly uri: string | undefined
  readonly flags: {
    readonly time: number
    readonly "tls-cert": string
    readonly "tls-key": string
    readonly "tls-client-ca": string
  }
  readonly globals: { readonly runroot: string; readonly "log-level": string }
}

export const runService = Effect.fnUntraced(function* (words: ServiceWords) {
  const { flags, globals } = words
  if (flags.time < 0) {
    return yield* new OptionInvalid({ option: "time", value: String(flags.time), problem: "seconds, or 0 for ever" })
  }
  const address = yield* addressFor(words)
  if (address._tag === "Unix") yield* makeRoomFor(address.path)
  const serving = serve({
    address,
    versions: { program: version, libpod: libpodVersion, docker: dockerVersion },
    idleMillis: flags.time * 1000,
  })
  // a service that is told to end, ends well
  yield* Effect.raceFirst(serving, signalled).pipe(traced(process.env), logTo(globals["log-level"]))
  return 0
})

const addressFor = Effect.fnUntraced(function* ({ flags, globals, uri }: ServiceWords) {
  const inherited = inheritedSocket(process.env, process.pid)
  if (inherited !== undefined && uri === undefined) return { _tag: "Inherited", fd: inherited } satisfies Address
  const runroot = globals.runroot || process.env["CRYOPOD_RUNROOT"] || defaultRunroot
  return yield* Effect.fromResult(
    addressOf(uri ?? `unix://${join(runroot, "cryopod.sock")}`, yield* certificatesOf(flags)),
  )
})

/** All three files or none. */
const certificatesOf = Effect.fnUntraced(function* (flags: ServiceWords["flags"]) {
  const paths = { cert: flags["tls-cert"], key: flags["tls-key"], clientCa: flags["tls-client-ca"] }
  const given = Object.values(paths).filter((path) => path !== "")
  if (given.length === 0) return undefined
  if (given.length < 3) {
    return yield* refuse(
      "--tls-cert, --tls-key and --tls-client-ca go together: clients without a certificate get nothing",
    )
  }
  const texts: Certificates = {
    cert: yield* textOf("tls-cert", paths.cert),
    key: yield* textOf("tls-key", paths.key),
    clientCa: yield* textOf("tls-client-ca", paths.clientCa),
  }
  return texts
})

const textOf = (option: string, path: string) =>
  Effect.try({
    try: () => fs.readFileSync(path, "utf8"),
    catch: (cause) => new OptionInvalid({ option, value: path, problem: (cause as Error).message }),
  })

/** The directory of the socket; its owner alone gets in when it is made here. */
const makeRoomFor = (path: string) =>
  Effect.try({
    try: () => void fs.mkdirSync(dirname(path), { recursive: true, mode: 0o700 }),
    catch: (cause) => new OptionInvalid({ option: "uri", value: path, problem: (cause as Error).message }),
  })
