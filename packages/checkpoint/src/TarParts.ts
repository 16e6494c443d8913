/**
 * Very many members of a tar archive, unpacked by several programs at once: making a file takes a kernel longer than it takes
 * GNU tar to ask for it, and each does that on one processor.
 *
 * Directories come first and once more at the end, when nothing touches their times any more; what is between is cut where a
 * member begins. That is the same as one pass only when no member depends on an earlier one: an archive with hard links, with
 * a name twice, or with something else where a directory or a member below it belongs, is not parted.
 */
import { availableParallelism } from "node:os"
import { dirname } from "node:path"
import type { TarEntry } from "./TarHeaders.ts"

/** Bytes of an archive from the header of one member to the end of another: an archive as well. */
export interface TarSpan {
  readonly start: number
  readonly end: number
}

export interface TarParts {
  readonly directories: ReadonlyArray<TarSpan>
  /** All members, in parts of as many. */
  readonly parts: ReadonlyArray<TarSpan>
}

/** Fewer are unpacked before further programs have begun. */
const fewestMembers = 10_000

/** Names have to be remembered. */
const mostMembers = 250_000

const mostParts = 4

export class Parting {
  private readonly fewest: number
  private readonly directories: Array<TarSpan> = []
  private readonly starts: Array<number> = []
  /** Of members that are no directories. */
  private readonly names = new Set<string>()
  /** What has to be a directory: members, and the parents of all. */
  private readonly directoryNames = new Set<string>()
  private possible = true
  private end = 0

  constructor(fewest = fewestMembers) {
    this.fewest = fewest
  }

  /** The next member, by its confined name; empty for the directory itself. */
  add(name: string, { end, start, type }: TarEntry): void {
    if (!this.possible) return
    if (type === "link" || this.names.has(name) || this.starts.length === mostMembers) return this.giveUp()
    this.end = end
    this.starts.push(start)
    if (type !== "directory") {
      this.names.add(name)
      this.directoryNames.add(dirname(name))
      return
    }
    this.directoryNames.add(name === "" ? "." : name)
    const last = this.directories.at(-1)
    if (last?.end === start) this.directories.splice(-1, 1, { start: last.start, end })
    else this.directories.push({ start, end })
  }

  /** Undefined where one program has to do it all. */
  parts(): TarParts | undefined {
    const count = this.starts.length
    if (!this.possible || count < this.fewest || this.isInTheWay()) return undefined
    const number = Math.min(mostParts, availableParallelism())
    const cuts = Array.from({ length: number }, (_, part) => this.starts[Math.floor((part * count) / number)] ?? 0)
    return { directories: this.directories, parts: cuts.map((start, at) => ({ start, end: cuts[at + 1] ?? this.end })) }
  }

  private isInTheWay(): boolean {
    for (const name of this.directoryNames) {
      for (let path = name; path !== "."; path = dirname(path)) if (this.names.has(path)) return true
    }
    return false
  }

  private giveUp(): void {
    this.possible = false
    this.directories.length = 0
    this.starts.length = 0
    this.names.clear()
    this.directoryNames.clear()
  }
}
