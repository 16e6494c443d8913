/** Images and messages built by hand, for the tests of their readers. */

export const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(/\s/g, ""), "hex"))

export const concat = (...parts: ReadonlyArray<Uint8Array>): Uint8Array => Uint8Array.from(Buffer.concat(parts))

export const u32 = (value: number): Uint8Array => {
  const bytes = new Uint8Array(4)
  new DataView(bytes.buffer).setUint32(0, value, true)
  return bytes
}

export const varint = (value: bigint): Uint8Array => {
  const bytes: Array<number> = []
  let rest = BigInt.asUintN(64, value)
  while (rest > 0x7fn) {
    bytes.push(Number(rest & 0x7fn) | 0x80)
    rest >>= 7n
  }
  return Uint8Array.from([...bytes, Number(rest)])
}

export const key = (number: number, wire: number): Uint8Array => varint(BigInt(number) * 8n + BigInt(wire))

export const varintField = (number: number, value: bigint): Uint8Array => concat(key(number, 0), varint(value))

export const bytesField = (number: number, value: Uint8Array): Uint8Array =>
  concat(key(number, 2), varint(BigInt(value.length)), value)
