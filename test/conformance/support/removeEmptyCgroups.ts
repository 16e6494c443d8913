/** Cgroups of version 2 that nobody is in. */
import * as fs from "node:fs"
import { join } from "node:path"

const hierarchy = /^\S+ (\S+) cgroup2 /m.exec(fs.readFileSync("/proc/mounts", "utf8"))?.[1] ?? ""

/** Removes those below the one of this name. */
export const removeEmptyCgroups = (name: string): void => {
  const remove = (directory: string) => {
    for (const entry of fs.readdirSync(directory, { withFileTypes: true })) {
      if (entry.isDirectory()) remove(join(directory, entry.name))
    }
    try {
      fs.rmdirSync(directory)
    } catch {
      // somebody is in it
    }
  }
  const top = join(hierarchy, name)
  for (const entry of fs.readdirSync(top, { withFileTypes: true })) {
    if (entry.isDirectory()) remove(join(top, entry.name))
  }
}
