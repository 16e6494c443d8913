/**
 * The runtime's `exec` of a program that nobody listens to. The runtime leaves it as soon as it runs; with a terminal, the
 * process that holds it stays with the program.
 */
import { spawn } from "node:child_process"
import type { ToolMissing } from "@cryopod/entities"
import type { Tools } from "@cryopod/host"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { terminalCommand } from "./heldTerminal.ts"
import { beginning, complaintIn, exitOf, type ExecEnded, type ExecRequest } from "./runAttached.ts"

export const runDetached = Effect.fn("exec.detached")(function* (
  request: ExecRequest,
): Effect.fn.Return<ExecEnded, ToolMissing, Tools | Scope.Scope> {
  const [file, ...args] = request.terminal
    ? [
        "sh",
        // its input never comes and never ends
        "-c",
        'mkfifo "$0" && exec "$@" <>"$0"',
        request.paths.input,
        ...(yield* terminalCommand(request, request.command(false))),
      ]
    : request.command(true)
  const child = spawn(file, args, { stdio: "ignore", env: request.environment, detached: true })
  const exited = yield* exitOf(child)
  const begun = yield* beginning(request.paths, exited)
  if (!(yield* Deferred.await(begun))) return { started: false, complaint: complaintIn(request.paths) }
  // the runtime has something to finish after the program has begun
  if (!request.terminal) yield* Deferred.await(exited)
  child.unref()
  return { started: true, exitCode: 0 }
}, Effect.scoped)
