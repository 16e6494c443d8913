/**
 * What a container really does, told from the traces that conmon and the kernel leave: exit file, process, boot.
 *
 * The database says what was last known; a container may have ended since, or the host may have been started anew.
 */
import * as fs from "node:fs"
import type { ContainerPaths } from "@cryopod/host"
import { bootId, type ContainerState, isActive, isAlive, processStart } from "@cryopod/runtime"

/** Exit code of a container whose end nobody saw (the host or conmon went away under it). */
export const unseenExitCode = 255

/** The state as it is now; the very same object when nothing has changed. */
export const observe = (state: ContainerState, paths: ContainerPaths): ContainerState => {
  if (!isActive(state)) return state
  if (state.bootId !== bootId()) return ended(state, unseenExitCode, undefined)
  const exit = readExit(paths)
  if (exit !== undefined) return ended(state, exit.code, exit.at)
  if (isAlive(state.pid) && processStart(state.pid) === state.pidStart) return state
  // conmon writes the exit file a moment after the process has gone
  if (isAlive(state.conmonPid)) return state
  const late = readExit(paths)
  return late === undefined ? ended(state, unseenExitCode, undefined) : ended(state, late.code, late.at)
}

export interface Exit {
  readonly code: number
  /** RFC 3339. */
  readonly at: string
}

/** What conmon wrote when the container ended; undefined as long as it has not. */
export const readExit = (paths: ContainerPaths): Exit | undefined => {
  try {
    const text = fs.readFileSync(paths.exitFile, "utf8").trim()
    if (!/^\d+$/.test(text)) return undefined
    return { code: Number(text), at: fs.statSync(paths.exitFile).mtime.toISOString() }
  } catch {
    return undefined
  }
}

const ended = (state: ContainerState, exitCode: number, at: string | undefined): ContainerState => ({
  ...state,
  status: "exited",
  pid: 0,
  conmonPid: 0,
  exitCode,
  finishedAt: at ?? state.finishedAt ?? state.startedAt ?? "",
})
