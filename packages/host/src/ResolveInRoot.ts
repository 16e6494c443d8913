/**
 * A path as a process inside a root directory would come to it: symbolic links lead on within the root, never out of it.
 *
 * True for as long as nobody changes the tree: the caller has it to itself.
 */
import * as fs from "node:fs"
import { dirname, join } from "node:path"

/** What the kernel puts up with (path_resolution(7)). */
const maximumLinks = 40

/** The path on the host; it need not exist. Undefined when links lead in circles. */
export const resolveInRoot = (root: string, path: string): string | undefined => {
  let at = "/"
  let left = parts(path)
  let links = 0
  while (left.length > 0) {
    const [name = "", ...rest] = left
    left = rest
    if (name === "..") {
      at = dirname(at)
      continue
    }
    const next = join(at, name)
    const target = linkAt(join(root, next))
    if (target === undefined) {
      at = next
      continue
    }
    if (++links > maximumLinks) return undefined
    if (target.startsWith("/")) at = "/"
    left = [...parts(target), ...left]
  }
  return join(root, at)
}

const parts = (path: string) => path.split("/").filter((part) => part !== "" && part !== ".")

const linkAt = (path: string): string | undefined => {
  try {
    return fs.readlinkSync(path)
  } catch {
    // no link, or nothing there
    return undefined
  }
}
