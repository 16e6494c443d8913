/**
 * Unpack a tar archive from a stranger into a directory of our own.
 *
 * Only regular files and directories come in, under names that a caller's table accepts; every name is resolved
 * inside the target or refused, nothing that exists is written through, and the number of members and bytes is
 * bounded. Links and devices have no place in a checkpoint. The target is a new directory that nobody else can reach,
 * and on a failure the caller removes it whole.
 */
import * as fs from "node:fs"
import { dirname, join } from "node:path"
import { Readable, type Writable } from "node:stream"
import { pipeline } from "node:stream/promises"
import { ArchiveInvalid, MemberUnsafe, StorageFailed } from "@cryopod/entities"
import * as Effect from "effect/Effect"
import * as tar from "tar-stream"
import { compressionOf, decompressor, peek } from "./Compression.ts"
import { type Measured, measure } from "./Digest.ts"

export interface UnpackRules {
  /** Name of the archive in failures. */
  readonly archive: string
  /** True for members to take; others are passed over. Names come without leading `./` and trailing `/`. */
  readonly accepts: (name: string) => boolean
  readonly maxMembers: number
  readonly maxBytes: number
}

export interface Unpacked {
  /** Of the uncompressed archive: an OCI diffID. */
  readonly measured: Measured
  readonly members: ReadonlyArray<string>
  readonly passedOver: ReadonlyArray<string>
}

export type UnpackFailure = ArchiveInvalid | MemberUnsafe | StorageFailed

/** Unpack a possibly compressed archive into an existing empty directory, in one pass. */
export const unpack = (source: Readable, target: string, rules: UnpackRules): Effect.Effect<Unpacked, UnpackFailure> =>
  Effect.tryPromise({
    try: (signal) => unpackStream(source, target, { ...rules, signal }),
    catch: (cause) => {
      if (cause instanceof MemberUnsafe || cause instanceof ArchiveInvalid) return cause
      const { code, message, syscall } = cause as NodeJS.ErrnoException
      if (syscall !== undefined && code !== undefined)
        return new StorageFailed({ operation: "unpack into", path: target, code })
      return new ArchiveInvalid({ archive: rules.archive, problem: message })
    },
  })

const unpackStream = async (
  source: Readable,
  target: string,
  rules: UnpackRules & { readonly signal: AbortSignal },
): Promise<Unpacked> => {
  const members: Array<string> = []
  const passedOver: Array<string> = []
  let bytes = 0
  const extract = tar.extract()
  const taken = (async () => {
    for await (const entry of extract) {
      const name = memberName(entry.header.name)
      bytes += entry.header.size ?? 0
      if (members.length + passedOver.length >= rules.maxMembers)
        throw unsafe(name, `is one of more than ${rules.maxMembers}`)
      if (bytes > rules.maxBytes) throw unsafe(name, `brings the archive over ${rules.maxBytes} bytes`)
      if (name === "" || !rules.accepts(name)) {
        if (name !== "") passedOver.push(name)
        await drained(entry as Member)
        continue
      }
      await takeMember(entry as Member, join(target, name), name)
      members.push(name)
    }
  })()

  const { head, stream } = await peek(source)
  const plain = decompressor(compressionOf(head))
  const feeding = pipeline(Readable.from(stream, { objectMode: false, highWaterMark: 1 << 20 }), plain, {
    signal: rules.signal,
  })
  const measuring = measure(plain as AsyncIterable<Uint8Array>, (block) =>
    written(extract as unknown as Writable, block),
  ).then((measured) => {
    extract.end(null)
    return measured
  })
  try {
    // whichever fails first is the reason; the others only fail because of it
    const [measured] = await Promise.all([measuring, feeding, taken])
    return { measured, members, passedOver }
  } catch (cause) {
    source.destroy()
    plain.destroy()
    extract.destroy(null)
    await Promise.allSettled([measuring, feeding, taken])
    throw cause
  }
}

type Member = { readonly header: tar.Header } & AsyncIterable<unknown>

const drained = async (entry: Member) => {
  for await (const _ of entry) continue
}

const takeMember = async (entry: Member, path: string, name: string) => {
  const { type, size } = entry.header
  if (type === "directory") {
    await fs.promises.mkdir(path, { recursive: true, mode: 0o700 })
    await drained(entry)
    return
  }
  if (type !== "file" && type !== "contiguous-file") throw unsafe(name, `is a ${type}, not a file or directory`)
  await fs.promises.mkdir(dirname(path), { recursive: true, mode: 0o700 })
  // "wx" refuses a member that is there already, under whatever spelling
  const handle = await fs.promises.open(path, "wx", 0o600).catch((cause: NodeJS.ErrnoException) => {
    throw cause.code === "EEXIST" ? unsafe(name, "is there twice") : cause
  })
  try {
    let position = 0
    for await (const chunk of entry as AsyncIterable<Uint8Array>) {
      await handle.write(chunk, 0, chunk.length, position)
      position += chunk.length
    }
    if (position !== size) throw unsafe(name, `has ${position} bytes instead of ${size}`)
  } finally {
    await handle.close()
  }
}

/** `./a/b/` → `a/b`; anything that could leave the target is refused. */
const memberName = (raw: string): string => {
  const parts = raw.split("/").filter((part) => part !== "" && part !== ".")
  if (raw.startsWith("/")) throw unsafe(raw, "has an absolute name")
  if (parts.includes("..")) throw unsafe(raw, "leaves the archive")
  if (raw.includes("\0")) throw unsafe(raw, "has a zero byte in its name")
  return parts.join("/")
}

const unsafe = (member: string, problem: string) => new MemberUnsafe({ member, problem })

const written = (stream: Writable, block: Uint8Array): Promise<void> | void => {
  if (stream.destroyed) throw new Error("unpacking stopped")
  if (stream.write(block)) return
  return new Promise((resolve, reject) => {
    const settle = () => {
      stream.off("drain", settle)
      stream.off("close", settle)
      if (stream.destroyed) reject(new Error("unpacking stopped"))
      else resolve()
    }
    stream.on("drain", settle)
    stream.on("close", settle)
  })
}
