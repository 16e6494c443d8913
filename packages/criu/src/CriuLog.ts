/**
 * CRIU's log (`dump.log`, `restore.log`): its error lines, and what they mean to someone who runs containers.
 *
 * Lines look like `(00.041532)     12: Error (criu/file.c:123): net: words` with a timestamp and, in a restore, the
 * pid of the restored process; code inside the restored process adds `pie: 12:`. Source: CRIU 4.2
 * `criu/include/log.h`, `criu/log.c`. The diagnoses themselves are the table in `criuDiagnoses.ts`.
 */
import { type Diagnosis, diagnoses } from "./criuDiagnoses.ts"

const errorLine = /^(?:\(\d+\.\d*\)?\s*)?(?:pie:\s*)?(?:\d+:\s*)?(Error \([^()\s]+:\d+\): .*)$/

/**
 * Said by every CRIU without CAP_SYS_RESOURCE, and harmless: it then works with the limit it has
 * (`criu/util.c`, `rlimit_unlimit_nofile`).
 */
const harmless = /: (?:rlimit: )?Can't setup RLIMIT_NOFILE for self/

/** Lines that follow from earlier ones and say only that something failed (`cr-dump.c`, `cr-restore.c`, `files.c`, `util.c`, `cgroup.c`). */
const consequence =
  /: (?:(?:Dumping|Pre-dumping|Restoring) FAILED\.|.*\(pid: \d+\) failed with -?\d+|Unable to open fd=-?\d+ id=0x[0-9a-f]+|Can't sent fd -?\d+ to -?\d+|(?:\d+ )?(?:exited, status=\d+|killed by signal \d+.*)|cg: cgroupd: recv req error.*|Namespaces dumping finished with error \d+)$/

/** Every error line in its order, from `Error (` on, without the harmless ones. */
export const errorsOf = (log: string): ReadonlyArray<string> =>
  log.split("\n").flatMap((line) => {
    const error = errorLine.exec(line.trimEnd())?.[1]
    return error === undefined || harmless.test(error) ? [] : [error]
  })

/** The last error line that says more than that something failed; empty when the log has no error. */
export const lastError = (log: string): string => {
  const errors = errorsOf(log)
  return errors.findLast((line) => !consequence.test(line)) ?? errors.at(-1) ?? ""
}

/** The first error line, usually the cause of the others: what CRIU itself hands to its caller (`criu/log.c`, `log_first_err`). */
export const firstError = (log: string): string => errorsOf(log)[0] ?? ""

export interface Remedy extends Diagnosis {
  /** The line it was told by. */
  readonly line: string
}

/** What the log says enough about: the earliest error line that is known. */
export const remedyOf = (log: string): Remedy | undefined => {
  for (const line of errorsOf(log)) {
    const known = diagnoses.find(({ pattern }) => pattern.test(line))
    if (known !== undefined) {
      const { code, remedy, sentence } = known
      return { code, sentence, remedy, line }
    }
  }
  return undefined
}

export interface Explanation {
  /** The line that is understood, else the last that says something; empty when the log has no error. */
  readonly errorLine: string
  /** What stood in the way and what to do about it, when the line is understood. */
  readonly remedy?: string
}

/**
 * What to show of a log. Restored processes fail each in their own time once one of them has, so which line is the last is
 * chance: the one that is understood goes first.
 */
export const explanationOf = (log: string): Explanation => {
  const known = remedyOf(log)
  return known === undefined
    ? { errorLine: lastError(log) }
    : { errorLine: known.line, remedy: `${known.sentence}: ${known.remedy}` }
}
