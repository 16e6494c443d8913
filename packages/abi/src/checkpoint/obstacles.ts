/**
 * What CRIU would refuse in processes that still run: told before it is tried, in the words of its diagnoses. What /proc does not
 * tell (what is at the other end of a Unix socket, say) CRIU finds out by itself.
 */
import { type DiagnosisCode, diagnosisOf } from "@cryopod/criu"
import type { CheckAspect, CheckFinding, CheckpointOptions } from "@cryopod/entities"
import { type OpenFile, openFilesOf, tcpSocketsOf } from "@cryopod/runtime"
import { no, ok } from "../compatibility/findings.ts"

/** CRIU's own limit (`criu/include/cr_options.h`, DEFAULT_GHOST_LIMIT). */
const ghostLimitBytes = 1 << 20

const deleted = / \(deleted\)$/

type Obstacle = readonly [aspect: CheckAspect, code: DiagnosisCode, who: ReadonlyArray<OpenFile>]

/** `pids` are the processes of the container, its first one before all others. */
export const obstacles = (pids: ReadonlyArray<number>, options: CheckpointOptions): ReadonlyArray<CheckFinding> => {
  const files = openFilesOf(pids)
  const sockets = new Map(tcpSocketsOf(pids[0] ?? 0).map((socket) => [`socket:[${socket.inode}]`, socket]))
  const limit = options.ghostLimitBytes ?? ghostLimitBytes
  const isDeleted = ({ file, name }: OpenFile) => file !== undefined && deleted.test(name)
  const having = (wanted: (file: OpenFile) => boolean, isAllowed = false) => (isAllowed ? [] : files.filter(wanted))
  const found: ReadonlyArray<Obstacle> = [
    [
      "connections",
      "tcpEstablished",
      having(({ name }) => sockets.get(name)?.state === "connected", options.tcpEstablished),
    ],
    ["connections", "inFlight", having(({ name }) => (sockets.get(name)?.waiting ?? 0) > 0, options.skipInFlight)],
    ["fileLocks", "fileLocks", having(({ locked }) => locked, options.fileLocks)],
    ["files", "ioUring", having(({ name }) => name === "anon_inode:[io_uring]")],
    ["files", "hostFile", having(({ outside }) => outside)],
    ["files", "ghostFileLimit", having((one) => isDeleted(one) && one.file?.names === 0 && one.file.sizeBytes > limit)],
    ["files", "unlinkedFile", having((one) => isDeleted(one) && (one.file?.names ?? 0) > 0, options.linkRemap)],
  ]
  return aspects.flatMap((aspect) => {
    const problems = found.filter(([about, , who]) => about === aspect && who.length > 0)
    return problems.length === 0 ? [ok(aspect, "nothing in the way")] : problems.map(finding)
  })
}

const aspects = ["connections", "fileLocks", "files"] as const satisfies ReadonlyArray<CheckAspect>

const finding = ([aspect, code, who]: Obstacle): CheckFinding => {
  const { remedy, sentence } = diagnosisOf(code)
  return no(aspect, `${sentence}: ${owners(who)}`, remedy)
}

const named = 3

const owners = (who: ReadonlyArray<OpenFile>): string => {
  const words = [
    ...new Set(who.map(({ fd, name, pid, program }) => `process ${pid} (${program}) descriptor ${fd} ${name}`)),
  ]
  const more = words.length > named ? ` and ${words.length - named} more` : ""
  return `${words.slice(0, named).join(", ")}${more}`
}
