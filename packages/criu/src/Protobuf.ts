/**
 * Protocol-buffer messages, read by a table of their fields.
 *
 * A table names the fields it wants by number; all others are passed over. Nothing is trusted: whatever is cut off,
 * nested too deep or not of the table's kind ends in one typed error with its offset.
 * Source: protobuf.dev, "Encoding" (wire types 0, 1, 2 and 5; groups are not read).
 */

export class ProtobufInvalid extends Error {
  override readonly name = "ProtobufInvalid"
  readonly problem: "truncated" | "varint" | "wireType" | "fieldNumber" | "range" | "depth"
  /** Where in the bytes given to `decode`. */
  readonly offset: number

  constructor(problem: ProtobufInvalid["problem"], offset: number) {
    super(`malformed protocol buffer at byte ${offset}: ${problem}`)
    this.problem = problem
    this.offset = offset
  }
}

type Kind = "uint" | "int" | "big" | "bool" | "bytes" | "text" | Message<Fields>

/** One field of a message; `A` is what it decodes to. */
export interface Field<A> {
  readonly number: number
  readonly kind: Kind
  readonly many: boolean
  /** Carries the type only. */
  readonly value?: A
}

export type Fields = Readonly<Record<string, Field<unknown>>>

export interface Message<F extends Fields> {
  readonly byNumber: ReadonlyMap<number, readonly [name: string, field: Field<unknown>]>
  /** Carries the type only. */
  readonly fields?: F
}

/** Every field is optional here; which ones must be there is for the reader of the message to say. */
export type Decoded<M> =
  M extends Message<infer F> ? { readonly [K in keyof F]?: F[K] extends Field<infer A> ? A : never } : never

export const message = <F extends Fields>(fields: F): Message<F> => ({
  byNumber: new Map(Object.entries(fields).map(([name, field]) => [field.number, [name, field] as const])),
})

const field = <A>(number: number, kind: Kind): Field<A> => ({ number, kind, many: false })

/** `uint32`, `uint64`, enums, fixed widths; values beyond 2⁵³ are refused. */
export const uint = (number: number): Field<number> => field(number, "uint")
/** `int32`, `int64`: two's complement. */
export const int = (number: number): Field<number> => field(number, "int")
/** Any 64-bit value, unsigned: addresses. */
export const big = (number: number): Field<bigint> => field(number, "big")
export const bool = (number: number): Field<boolean> => field(number, "bool")
/** A view of the input, not a copy. */
export const bytes = (number: number): Field<Uint8Array> => field(number, "bytes")
export const text = (number: number): Field<string> => field(number, "text")
export const nested = <F extends Fields>(number: number, of: Message<F>): Field<Decoded<Message<F>>> =>
  field(number, of)
/** A repeated field, packed or not. */
export const many = <A>(of: Field<A>): Field<ReadonlyArray<A>> => ({ number: of.number, kind: of.kind, many: true })

/** CRIU's messages nest four deep at most. */
const depthLimit = 32

/** The last value of a field counts, as the encoding has it. Throws `ProtobufInvalid`. */
export const decode = <F extends Fields>(input: Uint8Array, as: Message<F>): Decoded<Message<F>> =>
  new Reader(input).message(as, 0, input.length, 0) as Decoded<Message<F>>

class Reader {
  private readonly input: Uint8Array
  private readonly view: DataView
  private at = 0

  constructor(input: Uint8Array) {
    this.input = input
    this.view = new DataView(input.buffer, input.byteOffset, input.byteLength)
  }

  message(as: Message<Fields>, from: number, end: number, depth: number): Record<string, unknown> {
    if (depth > depthLimit) throw new ProtobufInvalid("depth", from)
    const out: Record<string, unknown> = {}
    this.at = from
    while (this.at < end) {
      const start = this.at
      const tag = Number(this.varint(end))
      const number = Math.floor(tag / 8)
      if (number < 1 || number > 0x1fff_ffff) throw new ProtobufInvalid("fieldNumber", start)
      const known = as.byNumber.get(number)
      const values = this.values(tag % 8, known?.[1], end, depth)
      if (known === undefined) continue
      const [name, { many: repeated }] = known
      if (!repeated) out[name] = values.at(-1)
      else if (Array.isArray(out[name])) for (const value of values) out[name].push(value)
      else out[name] = values
    }
    return out
  }

  /** The values of one occurrence: one, or those of a packed field. Unknown fields are passed over. */
  private values(wire: number, of: Field<unknown> | undefined, end: number, depth: number): Array<unknown> {
    const start = this.at
    switch (wire) {
      case 0: {
        const value = this.varint(end)
        return of === undefined ? [] : [scalar(value, of.kind, start)]
      }
      case 1:
        this.skip(8, end)
        return of === undefined ? [] : [scalar(this.view.getBigUint64(start, true), of.kind, start)]
      case 5:
        this.skip(4, end)
        return of === undefined ? [] : [scalar(BigInt(this.view.getUint32(start, true)), of.kind, start)]
      case 2: {
        const length = Number(this.varint(end))
        const from = this.at
        this.skip(length, end)
        return of === undefined ? [] : this.delimited(of, from, from + length, depth)
      }
      default:
        throw new ProtobufInvalid("wireType", start)
    }
  }

  private delimited(of: Field<unknown>, from: number, end: number, depth: number): Array<unknown> {
    if (of.kind === "bytes") return [this.input.subarray(from, end)]
    if (of.kind === "text") return [decoder.decode(this.input.subarray(from, end))]
    if (typeof of.kind === "object") {
      const value = this.message(of.kind, from, end, depth + 1)
      this.at = end
      return [value]
    }
    if (!of.many) throw new ProtobufInvalid("wireType", from)
    const values: Array<unknown> = []
    for (this.at = from; this.at < end;) {
      const start = this.at
      values.push(scalar(this.varint(end), of.kind, start))
    }
    return values
  }

  private skip(length: number, end: number) {
    if (length > end - this.at) throw new ProtobufInvalid("truncated", this.at)
    this.at += length
  }

  private varint(end: number): bigint {
    const start = this.at
    let value = 0n
    for (let shift = 0n; shift < 70n; shift += 7n) {
      if (this.at >= end) throw new ProtobufInvalid("truncated", start)
      const byte = this.view.getUint8(this.at++)
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return BigInt.asUintN(64, value)
    }
    throw new ProtobufInvalid("varint", start)
  }
}

/** Names in CRIU's files are bytes of the kernel's, so what is not UTF-8 is shown as well as it can be. */
const decoder = new TextDecoder("utf-8")

const scalar = (value: bigint, kind: Kind, offset: number): unknown => {
  if (typeof kind === "object") throw new ProtobufInvalid("wireType", offset)
  switch (kind) {
    case "bool":
      return value !== 0n
    case "big":
      return value
    case "uint":
      return safe(value, offset)
    case "int":
      return safe(BigInt.asIntN(64, value), offset)
    case "bytes":
    case "text":
      throw new ProtobufInvalid("wireType", offset)
  }
}

const safe = (value: bigint, offset: number): number => {
  const number = Number(value)
  if (!Number.isSafeInteger(number)) throw new ProtobufInvalid("range", offset)
  return number
}
