/**
 * Which file something is, and with which content, without reading it: whoever writes to a file, or makes its times what he
 * likes, changes the time of its last change, and nobody can set that (inode(7)).
 */
import * as fs from "node:fs"

export interface FileIdentity {
  /** Device, inode, and the times of the last change of content and inode, in nanoseconds. */
  readonly key: string
  readonly sizeBytes: number
}

/** Of an open file; undefined for a pipe, a socket or a device. */
export const identityOf = (fd: number): FileIdentity | undefined => {
  const stat = fs.fstatSync(fd, { bigint: true })
  if (!stat.isFile()) return undefined
  return { key: [stat.dev, stat.ino, stat.mtimeNs, stat.ctimeNs].join(":"), sizeBytes: Number(stat.size) }
}
