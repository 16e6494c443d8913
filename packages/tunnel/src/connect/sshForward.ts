/**
 * A socket of another host as one of this host, by the `ssh` program: its configuration, agent, known hosts and jumps are
 * those of the person who calls.
 */
import { spawn } from "node:child_process"
import * as fs from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { EngineUnreachable } from "@cryopod/entities"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { Destination } from "./Destination.ts"

/** How often to look whether the way is open. */
const lookMillis = 20

/** Words of ssh(1) that forward `local` to the socket of the service and run nothing. */
export const sshArguments = (
  { host, identity, path, port, user }: Extract<Destination, { readonly _tag: "Ssh" }>,
  local: string,
): ReadonlyArray<string> => [
  "-N",
  "-T",
  "-o",
  "ExitOnForwardFailure=yes",
  "-o",
  "StreamLocalBindUnlink=yes",
  "-o",
  "StreamLocalBindMask=0177",
  ...(port === undefined ? [] : ["-p", String(port)]),
  ...(identity === undefined ? [] : ["-i", identity]),
  ...(user === undefined ? [] : ["-l", user]),
  "-L",
  `${local}:${path}`,
  "--",
  host,
]

/** Path of the socket here; it and the connection go with the scope. */
export const sshForward = (
  url: string,
  destination: Extract<Destination, { readonly _tag: "Ssh" }>,
): Effect.Effect<string, EngineUnreachable, Scope.Scope> =>
  Effect.gen(function* () {
    const directory = yield* Effect.acquireRelease(
      Effect.sync(() => fs.mkdtempSync(join(tmpdir(), "cryopod-ssh-"))),
      (made) => Effect.sync(() => fs.rmSync(made, { recursive: true, force: true })),
    )
    const local = join(directory, "engine.sock")
    const program = yield* Effect.acquireRelease(
      Effect.sync(() => spawn("ssh", sshArguments(destination, local), { stdio: ["ignore", "ignore", "pipe"] })),
      (child) => Effect.sync(() => void child.kill()),
    )
    yield* Effect.callback<void, EngineUnreachable>((resume) => {
      let said = ""
      const fail = (problem: string) => resume(Effect.fail(new EngineUnreachable({ url, problem })))
      program.stderr.on("data", (chunk: Buffer) => (said = (said + chunk.toString("utf8")).slice(-4096)))
      program.once("error", ({ message }) => fail(`ssh: ${message}`))
      program.once("close", (status) => fail(said.trim().split("\n").at(-1) || `ssh: exit status ${status}`))
      const looking = setInterval(() => {
        if (fs.existsSync(local)) resume(Effect.void)
      }, lookMillis)
      return Effect.sync(() => clearInterval(looking))
    }).pipe(Effect.ensuring(Effect.sync(() => program.removeAllListeners("close"))))
    return local
  })
