/** Programs that clients run in containers: made by one request, started by the next, asked about by a third. */
import { randomBytes } from "node:crypto"
import type { ContainerFailure, ExecOptions } from "@cryopod/entities"
import { ExecSessionNotFound } from "@cryopod/rest"
import * as Effect from "effect/Effect"

export interface ExecSession {
  readonly id: string
  readonly containerId: string
  readonly options: ExecOptions
  readonly wanted: { readonly stdin: boolean; readonly stdout: boolean; readonly stderr: boolean }
  state: "created" | "running" | "ended"
  exitCode: number
  /** Why the program could not be started. */
  failure?: ContainerFailure
}

export interface ExecSessions {
  readonly create: (session: Pick<ExecSession, "containerId" | "options" | "wanted">) => Effect.Effect<ExecSession>
  readonly get: (id: string) => Effect.Effect<ExecSession, ExecSessionNotFound>
  readonly remove: (id: string) => Effect.Effect<void>
}

/** Sessions that are kept: the oldest that do not run are forgotten first. */
const keptSessions = 4096

export const makeExecSessions = (): ExecSessions => {
  const sessions = new Map<string, ExecSession>()
  const forgetOldest = () => {
    if (sessions.size < keptSessions) return
    for (const [id, { state }] of sessions) {
      if (state === "running") continue
      sessions.delete(id)
      return
    }
  }
  return {
    create: (wanted) =>
      Effect.sync(() => {
        forgetOldest()
        const session: ExecSession = { ...wanted, id: randomBytes(32).toString("hex"), state: "created", exitCode: 0 }
        sessions.set(session.id, session)
        return session
      }),
    get: (id) =>
      Effect.suspend(() => {
        const session = sessions.get(id)
        return session === undefined ? Effect.fail(new ExecSessionNotFound({ id })) : Effect.succeed(session)
      }),
    remove: (id) => Effect.sync(() => void sessions.delete(id)),
  }
}
