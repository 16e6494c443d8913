/** `system service`: this host's engine for other programs. The server itself is loaded when it is asked for. */
import * as Effect from "effect/Effect"
import { globalFlags } from "../global.ts"
import { type CliCommand, withLocalEngine } from "../Handler.ts"
import { maximumArgs, valuesOf } from "../kit/index.ts"

export const serviceFlags = {
  time: {
    kind: "int",
    short: "t",
    usage: "Time until the service session expires in seconds. Use 0 to disable the timeout",
    default: 5,
  },
  "tls-cert": { kind: "string", usage: "PEM file with the server's certificate, for tcp://", valueName: "file" },
  "tls-key": { kind: "string", usage: "PEM file with the key of that certificate", valueName: "file" },
  "tls-client-ca": {
    kind: "string",
    usage: "PEM file with the authorities whose certificates clients must show",
    valueName: "file",
  },
} as const

export const service: CliCommand = {
  name: "service",
  short: "Run API service",
  long: "Run an API service: Podman's REST API over this host's containers and images. Without a URI it listens on a socket in the run directory, or on the socket that systemd hands over.",
  use: "[options] [URI]",
  example:
    "cryopod system service --time 0\ncryopod system service unix:///run/cryopod.sock\ncryopod system service --time 0 --tls-cert server.pem --tls-key server.key --tls-client-ca clients.pem tcp://0.0.0.0:8443",
  flags: serviceFlags,
  args: maximumArgs(1),
  handler: withLocalEngine((call) =>
    Effect.gen(function* () {
      const { runService } = yield* Effect.promise(() => import("../service/runService.ts"))
      return yield* runService({
        uri: call.args[0],
        flags: valuesOf(call, serviceFlags),
        globals: valuesOf(call, globalFlags),
      })
    }),
  ),
}
