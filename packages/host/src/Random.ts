/** Random names. `node:crypto` would do as well, and takes as long to load as a short command has for its work. */
import * as fs from "node:fs"

/** So many bytes of the kernel's own, as hexadecimal text: nobody can guess them. */
export const randomHex = (bytes: number): string => {
  const fd = fs.openSync("/dev/urandom", "r")
  try {
    const random = Buffer.alloc(bytes)
    fs.readSync(fd, random)
    return random.toString("hex")
  } finally {
    fs.closeSync(fd)
  }
}
