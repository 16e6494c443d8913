/** Tar archives for tests: written member by member, right or wrong. */
import { readTar, type TarMember } from "../src/index.ts"
import { endOfTar, type HeaderOf, tarHeader, tarPadding } from "./tarHeader.ts"

export interface Sample extends Partial<HeaderOf> {
  readonly name: string
  readonly content?: Uint8Array | string
}

/** One member; its header says what it is told, whatever the content is. */
export const member = ({ content = "", ...header }: Sample): Buffer => {
  const bytes = Buffer.from(content)
  const whole: HeaderOf = {
    type: "file",
    sizeBytes: bytes.length,
    linkName: "",
    mode: 0o644,
    uid: 0,
    gid: 0,
    modified: "0",
    device: { major: 0, minor: 0 },
    records: new Map(),
    ...header,
  }
  return Buffer.concat([tarHeader(whole), bytes, tarPadding(bytes.length)])
}

export const archive = (...samples: ReadonlyArray<Sample | Uint8Array>): Buffer =>
  Buffer.concat([...samples.map((one) => (one instanceof Uint8Array ? one : member(one))), endOfTar()])

/** A block of a header with some of its bytes replaced and its checksum put right. */
export const forged = (header: Buffer, at: number, bytes: string): Buffer => {
  const changed = Buffer.from(header)
  changed.write(bytes, at, "latin1")
  changed.write(" ".repeat(8), 148, "latin1")
  const sum = changed.subarray(0, 512).reduce((total, byte) => total + byte, 0)
  changed.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1")
  return changed
}

/** The header of a member, without extended ones. */
export const header = (sample: Sample): Buffer => member(sample).subarray(0, 512)

/** An extended header with records of any kind, of the kind that its flag says. */
export const extended = (records: string, flag = "x"): Buffer => {
  const bytes = Buffer.from(records, "latin1")
  const block = forged(header({ name: "PaxHeader" }), 156, flag)
  const size = forged(block, 124, `${bytes.length.toString(8).padStart(11, "0")}\0`)
  return Buffer.concat([size, bytes, tarPadding(bytes.length)])
}

/** In pieces of any length, out of one buffer that is used again. */
export async function* pieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array, void, void> {
  const buffer = Buffer.alloc(size)
  for (let at = 0; at < bytes.length; at += size) {
    const piece = bytes.subarray(at, at + size)
    buffer.set(piece)
    yield buffer.subarray(0, piece.length)
    buffer.fill(0xee)
  }
}

export const gather = async (blocks: AsyncIterable<Uint8Array>): Promise<Buffer> => {
  const gathered: Array<Uint8Array> = []
  for await (const block of blocks) gathered.push(Uint8Array.from(block))
  return Buffer.concat(gathered)
}

export interface ReadMember extends HeaderOf {
  readonly bytes: Buffer
}

export const readAll = async (source: AsyncIterable<Uint8Array>): Promise<ReadonlyArray<ReadMember>> => {
  const members: Array<ReadMember> = []
  for await (const { content, ...header } of readTar(source)) members.push({ ...header, bytes: await gather(content) })
  return members
}

export const names = async (source: AsyncIterable<Uint8Array>): Promise<ReadonlyArray<string>> => {
  const found: Array<string> = []
  for await (const { name } of readTar(source) as AsyncIterable<TarMember>) found.push(name)
  return found
}
