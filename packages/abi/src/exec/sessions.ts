/**
 * Exec sessions of a container: a directory each, below those files of the container that are gone at reboot.
 *
 *   RUNROOT/<container>/exec/<session>/process.json   what the runtime was told (runtime-spec `process`)
 *                                      pid            the program's, once it runs
 *                                      log            the runtime's complaints
 *                                      terminal       path of the terminal that is held for it
 *                                      input          of a terminal that nobody writes to
 */
import * as fs from "node:fs"
import { basename, join } from "node:path"
import type { StorageFailed } from "@cryopod/entities"
import { attemptSync, type ContainerPaths, randomHex, removeTree } from "@cryopod/host"
import { cgroupsOf, isAlive, type OciProcess } from "@cryopod/runtime"
import * as Effect from "effect/Effect"

export interface SessionPaths {
  readonly directory: string
  readonly process: string
  readonly pidFile: string
  readonly log: string
  readonly terminal: string
  readonly input: string
}

/** A session whose program runs. */
export interface LiveSession {
  readonly id: string
  /** As this host numbers it. */
  readonly pid: number
  readonly command: ReadonlyArray<string>
}

/** Whose session it is: its user's, or the engine's own for a health check, which nobody misses. */
export type SessionPurpose = "user" | "health"

export const sessionIdFor = (purpose: SessionPurpose): string =>
  `${purpose === "health" ? ownPrefix : ""}${randomHex(32)}`

const ownPrefix = "health-"

const sessionPaths = (container: ContainerPaths, id: string): SessionPaths => {
  const directory = join(container.sessions, id)
  return {
    directory,
    process: join(directory, "process.json"),
    pidFile: join(directory, "pid"),
    log: join(directory, "log"),
    terminal: join(directory, "terminal"),
    input: join(directory, "input"),
  }
}

export const openSession = (container: ContainerPaths, id: string, process: OciProcess) =>
  attemptSync("make", container.sessions, () => {
    const paths = sessionPaths(container, id)
    fs.mkdirSync(paths.directory, { recursive: true, mode: 0o700 })
    fs.writeFileSync(paths.process, JSON.stringify(process), { mode: 0o600 })
    return paths
  })

export const closeSession = (paths: SessionPaths): Effect.Effect<void> => Effect.ignore(removeTree(paths.directory))

/** Those of users whose programs run, oldest first. */
export const liveSessions = (container: ContainerPaths): Effect.Effect<ReadonlyArray<LiveSession>, StorageFailed> =>
  attemptSync("look at", container.sessions, () => {
    if (!fs.existsSync(container.sessions)) return []
    return fs
      .readdirSync(container.sessions)
      .filter((id) => !id.startsWith(ownPrefix))
      .flatMap((id) => {
        const paths = sessionPaths(container, id)
        const session = readSession(paths)
        return session === undefined ? [] : [{ id, ...session }]
      })
      .filter(({ pid }) => isAlive(pid) && belongs(pid, container))
      .toSorted((one, other) => one.began - other.began)
      .map(({ command, id, pid }): LiveSession => ({ id, pid, command }))
  })

const readSession = (paths: SessionPaths) => {
  try {
    return {
      pid: Number(fs.readFileSync(paths.pidFile, "utf8")),
      command: (JSON.parse(fs.readFileSync(paths.process, "utf8")) as OciProcess).args,
      began: fs.statSync(paths.pidFile).mtimeMs,
    }
  } catch {
    // about to begin, or just ended
    return undefined
  }
}

/** Another process may have its number by now. */
const belongs = (pid: number, container: ContainerPaths) => {
  try {
    return cgroupsOf(pid).includes(basename(container.directory))
  } catch {
    return false
  }
}
