/**
 * IP addresses and subnets as numbers: parsing, writing, arithmetic. Pure.
 *
 * Addresses are written as RFC 5952 wants them (`fd00::1`), subnets in CIDR notation with the address of the network.
 */

export interface IpAddress {
  readonly family: 4 | 6
  readonly value: bigint
}

export interface IpSubnet {
  /** Address of the network itself: the bits behind the prefix are zero. */
  readonly network: IpAddress
  /** Bits that all addresses of the subnet have in common. */
  readonly prefix: number
}

const widths = { 4: 32, 6: 128 } as const

/** Undefined for a text that is no IP address. */
export const parseIp = (text: string): IpAddress | undefined => {
  const value = text.includes(":") ? parseIp6(text) : parseIp4(text)
  return value === undefined ? undefined : { family: text.includes(":") ? 6 : 4, value }
}

const parseIp4 = (text: string): bigint | undefined => {
  const parts = text.split(".")
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256)) {
    return undefined
  }
  return parts.reduce((sum, part) => (sum << 8n) | BigInt(part), 0n)
}

const parseIp6 = (text: string): bigint | undefined => {
  const halves = text.split("::")
  if (halves.length > 2) return undefined
  const groups = halves.map((half, at) => groupsOf(half, at === halves.length - 1))
  const [head, tail] = groups
  if (head === undefined || groups.includes(undefined)) return undefined
  const known = head.length + (tail?.length ?? 0)
  if (halves.length === 1 ? known !== 8 : known > 7) return undefined
  const zeros = Array.from({ length: 8 - known }, () => 0n)
  return [...head, ...zeros, ...(tail ?? [])].reduce((sum, group) => (sum << 16n) | group, 0n)
}

/** Groups of 16 bits; the last 32 bits of an address may be written as an IPv4 address. */
const groupsOf = (text: string, last: boolean): ReadonlyArray<bigint> | undefined => {
  if (text === "") return []
  const groups: Array<bigint> = []
  const parts = text.split(":")
  for (const [at, part] of parts.entries()) {
    const four = last && at === parts.length - 1 && part.includes(".") ? parseIp4(part) : undefined
    if (four !== undefined) groups.push(four >> 16n, four & 0xffffn)
    else if (/^[0-9a-fA-F]{1,4}$/.test(part)) groups.push(BigInt(`0x${part}`))
    else return undefined
  }
  return groups
}

export const formatIp = ({ family, value }: IpAddress): string => {
  if (family === 4) return [24n, 16n, 8n, 0n].map((shift) => String((value >> shift) & 0xffn)).join(".")
  const groups = Array.from({ length: 8 }, (_, at) => ((value >> BigInt(16 * (7 - at))) & 0xffffn).toString(16))
  const run = longestZeros(groups)
  if (run.length < 2) return groups.join(":")
  return `${groups.slice(0, run.start).join(":")}::${groups.slice(run.start + run.length).join(":")}`
}

/** The first of the longest runs of zero groups. */
const longestZeros = (groups: ReadonlyArray<string>) => {
  let best = { start: 0, length: 0 }
  let length = 0
  for (const [at, group] of groups.entries()) {
    length = group === "0" ? length + 1 : 0
    if (length > best.length) best = { start: at - length + 1, length }
  }
  return best
}

/** Undefined for a text that is no subnet in CIDR notation. Bits behind the prefix are dropped. */
export const parseSubnet = (text: string): IpSubnet | undefined => {
  const parsed = parseInterfaceAddress(text)
  return parsed === undefined ? undefined : { network: firstOf(parsed.address, parsed.prefix), prefix: parsed.prefix }
}

/** An address together with the prefix of its subnet: `10.88.0.5/16`. */
export const parseInterfaceAddress = (
  text: string,
): { readonly address: IpAddress; readonly prefix: number } | undefined => {
  const [, addressText = "", prefixText = ""] = /^(.+)\/(\d{1,3})$/.exec(text) ?? []
  const address = parseIp(addressText)
  const prefix = Number(prefixText)
  return address === undefined || prefixText === "" || prefix > widths[address.family] ? undefined : { address, prefix }
}

export const formatSubnet = ({ network, prefix }: IpSubnet): string => `${formatIp(network)}/${prefix}`

/** Number of bits behind the prefix. */
const freeBits = (family: 4 | 6, prefix: number) => BigInt(widths[family] - prefix)

const firstOf = ({ family, value }: IpAddress, prefix: number): IpAddress => {
  const bits = freeBits(family, prefix)
  return { family, value: (value >> bits) << bits }
}

/** The last address of a subnet; in IPv4 it means all of them (broadcast). */
export const lastOf = ({ network, prefix }: IpSubnet): IpAddress => ({
  family: network.family,
  value: network.value + (1n << freeBits(network.family, prefix)) - 1n,
})

/** The address so many places further on, or back. */
export const plus = ({ family, value }: IpAddress, places: bigint): IpAddress => ({ family, value: value + places })

export const sameIp = (one: IpAddress, other: IpAddress): boolean =>
  one.family === other.family && one.value === other.value

export const subnetHas = (subnet: IpSubnet, address: IpAddress): boolean =>
  sameIp(subnet.network, firstOf(address, subnet.prefix))

export const subnetsOverlap = (one: IpSubnet, other: IpSubnet): boolean => {
  const [wide, narrow] = one.prefix <= other.prefix ? [one, other] : [other, one]
  return wide.network.family === narrow.network.family && subnetHas(wide, narrow.network)
}

/** Where containers may be put: from the first to the last address that may name one of them. */
export const hostsOf = (subnet: IpSubnet): { readonly first: IpAddress; readonly last: IpAddress } => {
  const last = lastOf(subnet)
  // the address of the network itself names nobody, and in IPv4 neither does the last one
  return { first: plus(subnet.network, 1n), last: last.family === 4 ? plus(last, -1n) : last }
}
