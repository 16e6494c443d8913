/**
 * Protocol-buffer messages, read by tables of their fields.
 *
 * A table names fields by number and says of each what it holds. Fields that no table names are kept as they are
 * (`unknownFields`) and written back by `encode`. Nothing is trusted: whatever is cut off, nested too deep, not of the
 * table's kind, or lacks what must be there ends in one typed error with its offset.
 * Source: protobuf.dev, "Encoding" (wire types 0, 1, 2 and 5; groups are not read).
 */

export class ProtobufInvalid extends Error {
  override readonly name = "ProtobufInvalid"
  readonly problem: "truncated" | "varint" | "wireType" | "fieldNumber" | "range" | "depth" | "missingField"
  /** Where in the bytes given to `decode`. */
  readonly offset: number

  constructor(problem: ProtobufInvalid["problem"], offset: number, detail = "") {
    super(`malformed protocol buffer at byte ${offset}: ${problem}${detail === "" ? "" : ` ${detail}`}`)
    this.problem = problem
    this.offset = offset
  }
}

type Scalar = "uint" | "int" | "sint" | "big" | "fixed" | "bool" | "bytes" | "text"
type Kind = Scalar | Message<Fields> | (() => Message<Fields>)
type Rule = "optional" | "required" | "repeated"

/** One field of a message; `A` is what it decodes to. */
export interface Field<A, R extends Rule = Rule> {
  readonly number: number
  readonly kind: Kind
  readonly rule: R
  /** Names of the values of an enumeration. */
  readonly names?: Names
  /** Carries the type only. */
  readonly value?: A
}

export type Fields = Readonly<Record<string, Field<unknown>>>
/** Names of an enumeration's values. */
export type Names = Readonly<Record<number, string>>

export interface Message<F extends Fields> {
  readonly byNumber: ReadonlyMap<number, readonly [name: string, field: Field<unknown>]>
  /** Carries the type only. */
  readonly fields?: F
}

/** A field that no table names, as it was written: its number, its wire type and the bytes behind its key. */
export interface UnknownField {
  readonly number: number
  readonly wire: number
  readonly bytes: Uint8Array
}

const unknownKey: unique symbol = Symbol("unknown fields")

type Optional<F extends Fields> = { [K in keyof F]: F[K] extends Field<unknown, "optional"> ? K : never }[keyof F]

/** Required and repeated fields are always there, optional ones may be. */
export type Decoded<M> =
  M extends Message<infer F>
    ? { readonly [K in Exclude<keyof F, Optional<F>>]: F[K] extends Field<infer A> ? A : never } & {
        readonly [K in Optional<F>]?: F[K] extends Field<infer A> ? A : never
      }
    : never

export const message = <F extends Fields>(fields: F): Message<F> => ({
  byNumber: new Map(Object.entries(fields).map(([name, field]) => [field.number, [name, field] as const])),
})

/** Some fields of a table: the others are passed over, as if nobody knew them. */
export const fieldsOf = <F extends Fields, K extends keyof F>(
  of: Message<F>,
  names: ReadonlyArray<K>,
): Message<Pick<F, K>> => ({
  byNumber: new Map([...of.byNumber].filter(([, [name]]) => names.some((wanted) => wanted === name))),
})

const field = <A>(number: number, kind: Kind): Field<A, "optional"> => ({ number, kind, rule: "optional" })

/** `uint32`, and `uint64` where values beyond 2⁵³ make no sense: they are refused. */
export const uint = (number: number) => field<number>(number, "uint")
/** `int32`, `int64`: two's complement. */
export const int = (number: number) => field<number>(number, "int")
/** `sint32`, `sint64`: zigzag. */
export const sint = (number: number) => field<number>(number, "sint")
/** `uint64` of any value: addresses, masks, limits. */
export const big = (number: number) => field<bigint>(number, "big")
/** `fixed64`. */
export const fixed = (number: number) => field<bigint>(number, "fixed")
export const bool = (number: number) => field<boolean>(number, "bool")
/** A view of the input, not a copy. */
export const bytes = (number: number) => field<Uint8Array>(number, "bytes")
export const text = (number: number) => field<string>(number, "text")
/** A number out of a list of named ones; others are kept as they are. */
export const enumeration = (number: number, names: Names): Field<number, "optional"> => ({
  ...field<number>(number, "uint"),
  names,
})
export const nested = <F extends Fields>(number: number, of: Message<F> | (() => Message<F>)) =>
  field<Decoded<Message<F>>>(number, of)
/** A field without which the message is malformed. */
export const required = <A>({ kind, names, number }: Field<A>): Field<A, "required"> => ({
  number,
  kind,
  rule: "required",
  ...(names === undefined ? {} : { names }),
})
/** A repeated field, packed or not. */
export const many = <A>({ kind, names, number }: Field<A>): Field<ReadonlyArray<A>, "repeated"> => ({
  number,
  kind,
  rule: "repeated",
  ...(names === undefined ? {} : { names }),
})

/** The fields of a decoded message that its table does not name. */
export const unknownFields = (of: object): ReadonlyArray<UnknownField> =>
  (of as { readonly [unknownKey]?: ReadonlyArray<UnknownField> })[unknownKey] ?? []

/** Far deeper than CRIU nests anything but the directories of cgroups. */
const depthLimit = 100

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

  message(as: Message<Fields>, from: number, end: number, depth: number): object {
    if (depth > depthLimit) throw new ProtobufInvalid("depth", from)
    const out: Record<string, unknown> & { [unknownKey]?: Array<UnknownField> } = {}
    this.at = from
    while (this.at < end) {
      const start = this.at
      const tag = Number(this.varint(end))
      const number = Math.floor(tag / 8)
      if (number < 1 || number > 0x1fff_ffff) throw new ProtobufInvalid("fieldNumber", start)
      const known = as.byNumber.get(number)
      const content = this.at
      const values = this.values(tag % 8, known?.[1], end, depth)
      if (known === undefined) {
        const unknown = (out[unknownKey] ??= [])
        unknown.push({ number, wire: tag % 8, bytes: this.input.subarray(content, this.at) })
        continue
      }
      const [name, { rule }] = known
      if (rule !== "repeated") out[name] = values.at(-1)
      else if (Array.isArray(out[name])) for (const value of values) out[name].push(value)
      else out[name] = values
    }
    for (const [name, { rule }] of as.byNumber.values()) {
      if (name in out || rule === "optional") continue
      if (rule === "required") throw new ProtobufInvalid("missingField", from, name)
      out[name] = []
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
        return of === undefined ? [] : [scalar(this.view.getUint32(start, true), of.kind, start)]
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
    const kind = typeof of.kind === "function" ? of.kind() : of.kind
    if (kind === "bytes") return [this.input.subarray(from, end)]
    if (kind === "text") return [decoder.decode(this.input.subarray(from, end))]
    if (typeof kind === "object") {
      const value = this.message(kind, from, end, depth + 1)
      this.at = end
      return [value]
    }
    if (of.rule !== "repeated") throw new ProtobufInvalid("wireType", from)
    const values: Array<unknown> = []
    for (this.at = from; this.at < end;) {
      const start = this.at
      if (kind === "fixed") {
        this.skip(8, end)
        values.push(this.view.getBigUint64(start, true))
      } else values.push(scalar(this.varint(end), kind, start))
    }
    return values
  }

  private skip(length: number, end: number) {
    if (length > end - this.at) throw new ProtobufInvalid("truncated", this.at)
    this.at += length
  }

  /** Small ones are plain numbers, for speed. */
  private varint(end: number): number | bigint {
    const start = this.at
    let value = 0
    for (let factor = 1; factor < 2 ** 49; factor *= 0x80) {
      const byte = this.byte(start, end)
      value += (byte & 0x7f) * factor
      if (byte < 0x80) return value
    }
    let wide = BigInt(value)
    for (let shift = 49n; shift < 70n; shift += 7n) {
      const byte = this.byte(start, end)
      wide |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return BigInt.asUintN(64, wide)
    }
    throw new ProtobufInvalid("varint", start)
  }

  private byte(start: number, end: number): number {
    if (this.at >= end) throw new ProtobufInvalid("truncated", start)
    return this.view.getUint8(this.at++)
  }
}

/**
 * Names in CRIU's files are bytes of the kernel's, so what is not UTF-8 is shown as well as it can be; `encode` writes
 * such a text as it was shown.
 */
const decoder = new TextDecoder("utf-8", { ignoreBOM: true })

const scalar = (value: number | bigint, kind: Kind, offset: number): unknown => {
  if (typeof kind !== "string") throw new ProtobufInvalid("wireType", offset)
  switch (kind) {
    case "bool":
      return Number(value) !== 0
    case "big":
    case "fixed":
      return BigInt(value)
    case "uint":
      return safe(value, offset)
    case "int":
      return typeof value === "number" ? value : safe(BigInt.asIntN(64, value), offset)
    case "sint":
      return typeof value === "number"
        ? value % 2 === 0
          ? value / 2
          : -(value + 1) / 2
        : safe((value & 1n) === 0n ? value >> 1n : -((value + 1n) >> 1n), offset)
    case "bytes":
    case "text":
      throw new ProtobufInvalid("wireType", offset)
  }
}

const safe = (value: number | bigint, offset: number): number => {
  const number = Number(value)
  if (!Number.isSafeInteger(number)) throw new ProtobufInvalid("range", offset)
  return number
}

/** The bytes of a message, its fields in the order of their numbers, unknown ones among them: as CRIU writes it. */
export const encode = <F extends Fields>(value: Decoded<Message<F>>, as: Message<F>): Uint8Array =>
  Uint8Array.from(Buffer.concat(encoded(value, as)))

const encoded = (value: object, as: Message<Fields>): Array<Uint8Array> => {
  const fields: Array<readonly [number, Array<Uint8Array>]> = []
  for (const [number, [name, of]] of as.byNumber) {
    const content = (value as Record<string, unknown>)[name]
    if (content === undefined) continue
    const values = of.rule === "repeated" ? (content as ReadonlyArray<unknown>) : [content]
    fields.push([number, values.flatMap((one) => encodedField(number, of.kind, one))])
  }
  for (const { bytes: content, number, wire } of unknownFields(value))
    fields.push([number, [key(number, wire), content]])
  return fields.toSorted(([a], [b]) => a - b).flatMap(([, parts]) => parts)
}

const encodedField = (number: number, kind: Kind, value: unknown): Array<Uint8Array> => {
  const delimited = (parts: Array<Uint8Array>) => {
    const length = parts.reduce((sum, part) => sum + part.length, 0)
    return [key(number, 2), varint(BigInt(length)), ...parts]
  }
  if (typeof kind === "function") return encodedField(number, kind(), value)
  if (typeof kind === "object") return delimited(encoded(value as object, kind))
  switch (kind) {
    case "bytes":
      return delimited([value as Uint8Array])
    case "text":
      return delimited([Buffer.from(value as string, "utf8")])
    case "fixed": {
      const content = new Uint8Array(8)
      new DataView(content.buffer).setBigUint64(0, value as bigint, true)
      return [key(number, 1), content]
    }
    case "sint": {
      const signed = BigInt(value as number)
      return [key(number, 0), varint(BigInt.asUintN(64, (signed << 1n) ^ (signed >> 63n)))]
    }
    case "uint":
    case "int":
    case "big":
    case "bool":
      return [key(number, 0), varint(BigInt(value as number | bigint | boolean))]
  }
}

const key = (number: number, wire: number) => varint(BigInt(number) * 8n + BigInt(wire))

const varint = (value: bigint): Uint8Array => {
  const out: Array<number> = []
  let rest = BigInt.asUintN(64, value)
  for (; rest > 0x7fn; rest >>= 7n) out.push(Number(rest & 0x7fn) | 0x80)
  return Uint8Array.from([...out, Number(rest)])
}
