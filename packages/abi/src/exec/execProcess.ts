/**
 * The process of an exec session (runtime-spec `process`): the container's own, with what was asked for in its place. Pure.
 *
 * Capabilities as libpod gives them (`libpod/oci_conmon_exec_common.go`, prepareProcessExec): root has what the container
 * may have at most, another user nothing, and the container's own user what the container itself has.
 */
import type { ExecOptions, Identity } from "@cryopod/entities"
import type { OciProcess } from "@cryopod/runtime"

export interface ExecMaker {
  /** The user that was asked for; without one it is the container's own. */
  readonly identity: Identity | undefined
  /** The container was made with a HOME of its maker's choice. */
  readonly homeGiven: boolean
  /** Capabilities that this process can give away. */
  readonly held: ReadonlySet<string>
}

export const execProcess = (
  container: OciProcess,
  options: Pick<ExecOptions, "command" | "env" | "privileged" | "tty" | "workdir">,
  { held, homeGiven, identity }: ExecMaker,
): OciProcess => {
  const user =
    identity === undefined
      ? container.user
      : { ...container.user, uid: identity.uid, gid: identity.gid, additionalGids: identity.groups }
  const known = container.env ?? []
  const bounding = options.privileged ? [...held] : (container.capabilities?.bounding ?? [])
  const own = container.capabilities?.effective ?? []
  return {
    ...container,
    terminal: options.tty,
    user,
    args: options.command,
    env: merged([...(identity === undefined || homeGiven ? known : known.filter(isNoHome)), ...options.env]),
    cwd: options.workdir || container.cwd,
    capabilities:
      user.uid === 0
        ? { bounding, effective: bounding, permitted: bounding }
        : identity === undefined
          ? { bounding, effective: own, permitted: own, inheritable: own, ambient: own }
          : { bounding, effective: [], permitted: [] },
  }
}

/** Without one, the runtime looks for that of whoever runs there. */
const isNoHome = (variable: string) => !variable.startsWith("HOME=")

/** Each variable once: the last word counts. */
const merged = (env: ReadonlyArray<string>): ReadonlyArray<string> => [
  ...new Map(env.map((variable) => [variable.split("=", 1)[0], variable])).values(),
]
