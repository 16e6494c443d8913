/** Who a user is in a container, as its own /etc/passwd and /etc/group say. */
import * as fs from "node:fs"
import { identityOf, UserUnknown } from "@cryopod/entities"
import { attemptSync, resolveInRoot } from "@cryopod/host"
import * as Effect from "effect/Effect"

/** `root` is the container's root filesystem, or that of one of its processes, with what is mounted over it. */
export const identityInside = Effect.fnUntraced(function* (root: string, user: string) {
  const read = (path: string) => attemptSync("read", `${root}${path}`, () => readInside(root, path))
  const identity = identityOf(user, yield* read("/etc/passwd"), yield* read("/etc/group"))
  if (typeof identity === "string") return yield* new UserUnknown({ user, problem: identity })
  return identity
})

/** More than any such file has: a container may have put anything there. */
const maximumBytes = 16 * 1024 * 1024

/** Empty when it is no file. What is looked up may change meanwhile: a pipe or device in its place must not hold us up. */
const readInside = (root: string, path: string): string => {
  const resolved = resolveInRoot(root, path)
  if (resolved === undefined) return ""
  let fd: number
  try {
    fd = fs.openSync(resolved, fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW | fs.constants.O_NONBLOCK)
  } catch {
    return ""
  }
  try {
    const stat = fs.fstatSync(fd)
    return stat.isFile() && stat.size <= maximumBytes ? fs.readFileSync(fd, "utf8") : ""
  } finally {
    fs.closeSync(fd)
  }
}
