/**
 * Names of half-made things that tell whose they are, `<pid>-<start time>-<random>`, so that what a killed process left
 * behind can be told from what a living one works on.
 */
import * as fs from "node:fs"
import { nanoid } from "nanoid/non-secure"

/** A name that nobody else uses. */
export const ownedName = (): string => `${process.pid}-${startTime("self") ?? 0}-${nanoid(10)}`

/** True for a name that a process gave which is gone. */
export const isAbandoned = (name: string): boolean => {
  const owner = /^(\d+)-(\d+)-/.exec(name)
  return owner !== null && startTime(owner[1] ?? "") !== owner[2]
}

/** When a process began, in clock ticks since boot (proc(5), `stat` field 22); absent when there is no such process. */
const startTime = (pid: string): string | undefined => {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, "utf8")
    // the second field is the program's name in brackets, and may hold anything
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19]
  } catch {
    return undefined
  }
}
