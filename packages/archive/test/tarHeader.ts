/**
 * Headers of a tar archive, written so that every reader understands them alike: what ustar cannot say is in a pax header
 * before it, once, and nowhere else.
 *
 * For tests. Source: as in `TarReader`.
 */
import type { TarMember, TarType } from "../src/index.ts"

const blockSize = 512

/** A member without its content; `records` are those that go into the extended header beside what this file adds. */
export type HeaderOf = Omit<TarMember, "content">

/** Two empty blocks. */
export const endOfTar = (): Uint8Array => new Uint8Array(2 * blockSize)

/** What fills up the last block of a content. */
export const tarPadding = (sizeBytes: number): Uint8Array =>
  new Uint8Array((blockSize - (sizeBytes % blockSize)) % blockSize)

const flags: Readonly<Record<TarType, string>> = {
  file: "0",
  link: "1",
  symlink: "2",
  "character-device": "3",
  "block-device": "4",
  directory: "5",
  fifo: "6",
}

/** Name of a sparse file for readers that do not know them (GNU tar manual, "PAX Format, Version 1.0"). */
const sparseName = "GNUSparseFile.0/member"

/** All header blocks of a member. */
export const tarHeader = (member: HeaderOf): Uint8Array => {
  const name = member.type === "directory" && !member.name.endsWith("/") ? `${member.name}/` : member.name
  const extended = new Map(member.records)
  const set = (key: string, value: string, fits: boolean) => {
    if (fits) extended.delete(key)
    else extended.set(key, value)
  }
  if (member.sparseBytes === undefined) set("path", name, fitsName(name))
  else {
    extended.delete("path")
    extended.set("GNU.sparse.major", "1")
    extended.set("GNU.sparse.minor", "0")
    extended.set("GNU.sparse.name", name)
    extended.set("GNU.sparse.realsize", String(member.sparseBytes))
  }
  set("linkpath", member.linkName, fitsName(member.linkName))
  set("size", String(member.sizeBytes), member.sizeBytes < 8 ** 11)
  set("uid", String(member.uid), member.uid < 8 ** 7)
  set("gid", String(member.gid), member.gid < 8 ** 7)
  set("mtime", member.modified, /^\d{1,10}$/.test(member.modified))
  const shown = { ...member, name: member.sparseBytes === undefined ? name : sparseName }
  return extended.size === 0
    ? block(shown, flags[member.type])
    : Buffer.concat([extension(extended), block(shown, flags[member.type])])
}

const fitsName = (text: string) => text.length <= 100 && /^[\x20-\x7e]*$/.test(text)

const extension = (records: ReadonlyMap<string, string>): Uint8Array => {
  const content = Buffer.from([...records].map(([key, value]) => record(key, value)).join(""), "latin1")
  const header = block({ ...plain, name: "PaxHeader", sizeBytes: content.length }, "x")
  return Buffer.concat([header, content, tarPadding(content.length)])
}

const plain = { linkName: "", mode: 0o600, uid: 0, gid: 0, modified: "0", device: { major: 0, minor: 0 } }

/** The length counts itself. */
const record = (key: string, value: string): string => {
  const rest = ` ${key}=${value}\n`
  let length = rest.length
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length
  return `${length}${rest}`
}

const block = (
  member: Pick<HeaderOf, "name" | "linkName" | "mode" | "uid" | "gid" | "modified" | "sizeBytes" | "device">,
  flag: string,
): Uint8Array => {
  const bytes = Buffer.alloc(blockSize)
  const text = (value: string, at: number, length: number) => bytes.write(value.slice(0, length), at, "latin1")
  /** A number that does not fit is in the extended header; so many sevens are as good as any. */
  const octal = (value: number, at: number, length: number) =>
    text(
      value.toString(8).length < length ? value.toString(8).padStart(length - 1, "0") : "7".repeat(length - 1),
      at,
      length,
    )
  text(member.name, 0, 100)
  octal(member.mode, 100, 8)
  octal(member.uid, 108, 8)
  octal(member.gid, 116, 8)
  octal(member.sizeBytes, 124, 12)
  octal(Math.max(0, Math.trunc(Number(member.modified)) || 0), 136, 12)
  text(flag, 156, 1)
  text(member.linkName, 157, 100)
  text("ustar\x0000", 257, 8)
  octal(member.device.major, 329, 8)
  octal(member.device.minor, 337, 8)
  text(" ".repeat(8), 148, 8)
  octal(
    bytes.reduce((sum, byte) => sum + byte, 0),
    148,
    7,
  )
  bytes[154] = 0
  return bytes
}
