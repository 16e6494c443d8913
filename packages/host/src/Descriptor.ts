/** The names under which a process finds its own descriptors (proc(5)). */
import * as fs from "node:fs"

/** The number that a path names; absent for any other path. */
export const descriptorOf = (path: string): number | undefined => {
  const named = { "/dev/stdin": 0, "/dev/stdout": 1, "/dev/stderr": 2 }[path]
  const number = /^\/(?:dev|proc\/self)\/fd\/(\d+)$/.exec(path)?.[1]
  return named ?? (number === undefined ? undefined : Number(number))
}

/** False for one that is not open as well. */
export const isPipe = (descriptor: number): boolean => {
  try {
    return fs.fstatSync(descriptor).isFIFO()
  } catch {
    return false
  }
}
