/**
 * Unpack a tar archive from a stranger into a directory of our own.
 *
 * Only regular files and directories come in, under names that a caller's table accepts, and links that the table knows
 * word by word; every name is resolved inside the target or refused, nothing that exists is written through, and the
 * number of members and bytes is bounded. Devices have no place in a checkpoint. The target is a new directory that nobody
 * else can reach, and on a failure the caller removes it whole.
 */
import * as fs from "node:fs"
import { dirname, join } from "node:path"
import { ArchiveInvalid, MemberUnsafe, StorageFailed } from "@cryopod/entities"
import * as Effect from "effect/Effect"
import { takeBehind } from "./Behind.ts"
import { CompressionInvalid } from "./Compression.ts"
import { printable, readTar, TarInvalid, type TarMember } from "./TarReader.ts"

export interface UnpackRules {
  /** Name of the archive in failures. */
  readonly archive: string
  /** True for members to take; others are passed over. Names come without leading `./` and trailing `/`. */
  readonly accepts: (name: string) => boolean
  /** The longest that a member may be, for members that are read whole later. */
  readonly maxMemberBytes?: (name: string) => number | undefined
  /**
   * Which bytes of a file are wanted when its turn comes, by their offsets; the rest becomes a hole, and the file is as long
   * as it was. All of it when there is no answer.
   */
  readonly parts?: (name: string) => ReadonlyArray<FilePart> | undefined
  /** Symbolic links that may be there, and where they must lead. */
  readonly links?: Readonly<Record<string, string>>
  readonly maxMembers: number
  /** Of all members together, those that are passed over included. */
  readonly maxBytes: number
}

/** From an offset to another, the latter not included. */
export interface FilePart {
  readonly from: number
  readonly to: number
}

export interface Unpacked {
  readonly members: ReadonlyArray<string>
  readonly passedOver: ReadonlyArray<string>
}

export type UnpackFailure = ArchiveInvalid | MemberUnsafe | StorageFailed

/**
 * Unpack an archive that is not compressed (`decompressed`) into an existing empty directory, in one pass. While a block is
 * written the next one is asked for: it must be valid until the second one behind it is asked for.
 */
export const unpack = (
  source: AsyncIterable<Uint8Array>,
  target: string,
  rules: UnpackRules,
): Effect.Effect<Unpacked, UnpackFailure> =>
  Effect.tryPromise({
    try: (signal) => unpackMembers(readTar(source), target, { ...rules, signal }),
    catch: (cause) => {
      if (cause instanceof MemberUnsafe || cause instanceof ArchiveInvalid || cause instanceof StorageFailed)
        return cause
      const { code, syscall } = cause as NodeJS.ErrnoException
      if (syscall !== undefined && code !== undefined)
        return new StorageFailed({ operation: "unpack into", path: target, code })
      return archiveInvalid(rules.archive, cause)
    },
  })

/** What is wrong with an archive, naming the member; anything that is not about the archive is a defect. */
export const archiveInvalid = (archive: string, cause: unknown): ArchiveInvalid => {
  if (cause instanceof CompressionInvalid) return new ArchiveInvalid({ archive, problem: cause.message })
  if (!(cause instanceof TarInvalid)) throw cause
  const { member, message } = cause
  return new ArchiveInvalid({
    archive,
    problem: member === undefined ? message : `member ${JSON.stringify(printable(member))}: ${message}`,
  })
}

const unpackMembers = async (
  archive: AsyncIterable<TarMember>,
  target: string,
  rules: UnpackRules & { readonly signal: AbortSignal },
): Promise<Unpacked> => {
  const members: Array<string> = []
  const passedOver: Array<string> = []
  const links: Array<string> = []
  let bytes = 0
  for await (const member of archive) {
    rules.signal.throwIfAborted()
    const name = memberName(member.name)
    bytes += member.sizeBytes
    if (members.length + passedOver.length >= rules.maxMembers)
      throw unsafe(name, `is one of more than ${rules.maxMembers}`)
    if (bytes > rules.maxBytes) throw unsafe(name, `brings the archive over ${rules.maxBytes} bytes`)
    if (name === "") continue
    if (!rules.accepts(name)) {
      passedOver.push(name)
      continue
    }
    const most = rules.maxMemberBytes?.(name) ?? Number.POSITIVE_INFINITY
    if (member.sizeBytes > most) throw unsafe(name, `has more than ${most} bytes`)
    if (member.type === "symlink") links.push(knownLink(member, name, rules.links ?? {}))
    else await takeMember(member, name, join(target, name), rules)
    members.push(name)
  }
  // made last, so that no member can be written through one
  for (const name of links) {
    await makeDirectory(dirname(join(target, name)), name)
    await fs.promises.symlink(rules.links?.[name] ?? "", join(target, name)).catch(thereTwice(name))
  }
  return { members, passedOver }
}

const knownLink = ({ linkName }: TarMember, name: string, links: Readonly<Record<string, string>>): string => {
  const wanted = links[name]
  if (wanted === undefined) throw unsafe(name, "is a symlink, not a file or directory")
  if (linkName !== wanted) throw unsafe(name, `leads to ${JSON.stringify(printable(linkName))}`)
  return name
}

const takeMember = async (
  member: TarMember,
  name: string,
  path: string,
  { parts, signal }: UnpackRules & { readonly signal: AbortSignal },
): Promise<void> => {
  if (member.sparseBytes !== undefined) throw unsafe(name, "is a sparse file, not a whole one")
  switch (member.type) {
    case "directory":
      return makeDirectory(path, name)
    case "file": {
      await makeDirectory(dirname(path), name)
      // "wx" refuses a member that is there already, under whatever spelling
      const handle = await fs.promises.open(path, "wx", 0o600).catch(thereTwice(name))
      try {
        const wanted = parts?.(name) ?? [{ from: 0, to: member.sizeBytes }]
        let position = 0
        await takeBehind(member.content, signal, (block) => {
          const begins = position
          position += block.length
          return writeParts(handle, block, { position: begins, wanted })
        })
        await handle.truncate(member.sizeBytes)
      } finally {
        await handle.close()
      }
      return undefined
    }
    default:
      throw unsafe(name, `is a ${member.type}, not a file or directory`)
  }
}

/** What is wanted of a block that lies at a position of its file. */
const writeParts = async (
  handle: fs.promises.FileHandle,
  block: Uint8Array,
  { position, wanted }: { readonly position: number; readonly wanted: ReadonlyArray<FilePart> },
): Promise<void> => {
  for (const part of wanted) {
    const from = Math.max(part.from, position)
    const to = Math.min(part.to, position + block.length)
    if (from < to) await writeWhole(handle, block.subarray(from - position, to - position), from)
  }
}

const writeWhole = async (handle: fs.promises.FileHandle, block: Uint8Array, position: number): Promise<void> => {
  for (let at = 0; at < block.length;) {
    at += (await handle.write(block, at, block.length - at, position + at)).bytesWritten
  }
}

const makeDirectory = async (path: string, name: string): Promise<void> => {
  await fs.promises.mkdir(path, { recursive: true, mode: 0o700 }).catch((cause: NodeJS.ErrnoException) => {
    throw cause.code === "EEXIST" || cause.code === "ENOTDIR"
      ? unsafe(name, "is or lies in what was a file before")
      : cause
  })
}

const thereTwice =
  (name: string) =>
  (cause: NodeJS.ErrnoException): never => {
    throw cause.code === "EEXIST" ? unsafe(name, "is there twice") : cause
  }

/** `./a/b/` → `a/b`; anything that could leave the target is refused. */
const memberName = (raw: string): string => {
  const parts = raw.split("/").filter((part) => part !== "" && part !== ".")
  if (raw.startsWith("/")) throw unsafe(raw, "has an absolute name")
  if (parts.includes("..")) throw unsafe(raw, "leaves the archive")
  if (raw.includes("\0")) throw unsafe(raw, "has a zero byte in its name")
  return parts.join("/")
}

const unsafe = (member: string, problem: string) => new MemberUnsafe({ member: printable(member), problem })
