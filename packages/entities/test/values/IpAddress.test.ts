import { describe, expect, it } from "vitest"
import {
  formatIp,
  formatSubnet,
  hostsOf,
  lastOf,
  parseIp,
  parseSubnet,
  plus,
  subnetHas,
  subnetsOverlap,
} from "../../src/values/IpAddress.ts"

const written = (text: string) => {
  const address = parseIp(text)
  return address === undefined ? undefined : formatIp(address)
}

describe("an address", () => {
  it.each([
    ["10.88.0.1", "10.88.0.1"],
    ["255.255.255.255", "255.255.255.255"],
    ["0.0.0.0", "0.0.0.0"],
    ["::", "::"],
    ["::1", "::1"],
    ["fd00::", "fd00::"],
    ["FD00:0:0:1::5", "fd00:0:0:1::5"],
    ["1:0:0:2:0:0:0:3", "1:0:0:2::3"],
    ["1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"],
    ["1:0:3:4:5:6:7:8", "1:0:3:4:5:6:7:8"],
    ["1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"],
    ["::ffff:1.2.3.4", "::ffff:102:304"],
  ])("%s is written %s", (text, expected) => {
    expect(written(text)).toBe(expected)
  })

  it.each([
    ["no dots", "foo"],
    ["nothing", ""],
    ["three parts", "1.2.3"],
    ["five parts", "1.2.3.4.5"],
    ["a part above 255", "1.2.3.256"],
    ["a leading zero", "01.2.3.4"],
    ["two gaps", "1::2::3"],
    ["nine groups", "1:2:3:4:5:6:7:8:9"],
    ["a gap for nothing", "1:2:3:4::5:6:7:8"],
    ["five digits", "12345::"],
    ["IPv4 in front", "1.2.3.4::"],
    ["a prefix", "10.0.0.0/8"],
    ["three colons", ":::"],
  ])("with %s is none", (_, text) => {
    expect(parseIp(text)).toBeUndefined()
  })
})

describe("a subnet", () => {
  const subnet = (text: string) => {
    const parsed = parseSubnet(text)
    if (parsed === undefined) throw new Error(text)
    return parsed
  }
  const address = (text: string) => {
    const parsed = parseIp(text)
    if (parsed === undefined) throw new Error(text)
    return parsed
  }

  it("drops the bits behind its prefix", () => {
    expect(formatSubnet(subnet("10.99.3.5/24"))).toBe("10.99.3.0/24")
    expect(formatSubnet(subnet("fd01:2:3::7/64"))).toBe("fd01:2:3::/64")
  })

  it.each(["10.99.1", "10.0.0.0/33", "fd00::/129", "10.0.0.0/", "/8", "10.0.0.0/8/8"])("%s is none", (text) => {
    expect(parseSubnet(text)).toBeUndefined()
  })

  it("knows its addresses", () => {
    expect(subnetHas(subnet("10.88.0.0/16"), address("10.88.255.255"))).toBe(true)
    expect(subnetHas(subnet("10.88.0.0/16"), address("10.89.0.0"))).toBe(false)
    expect(subnetHas(subnet("0.0.0.0/0"), address("::"))).toBe(false)
    expect(formatIp(lastOf(subnet("10.88.0.0/16")))).toBe("10.88.255.255")
    expect(formatIp(lastOf(subnet("fd00::/64")))).toBe("fd00::ffff:ffff:ffff:ffff")
    const hosts = (text: string) => Object.values(hostsOf(subnet(text))).map(formatIp)
    expect(hosts("10.99.1.0/24")).toEqual(["10.99.1.1", "10.99.1.254"])
    expect(hosts("fd00::/126")).toEqual(["fd00::1", "fd00::3"])
    expect(formatIp(plus(address("10.88.0.255"), 1n))).toBe("10.88.1.0")
  })

  it.each([
    ["10.88.0.0/16", "10.88.3.0/24", true],
    ["10.88.3.0/24", "10.88.0.0/16", true],
    ["10.88.0.0/16", "10.89.0.0/16", false],
    ["0.0.0.0/0", "fd00::/64", false],
    ["fd00::/8", "fd12:3456::/32", true],
  ])("%s and %s overlap: %s", (one, other, expected) => {
    expect(subnetsOverlap(subnet(one), subnet(other))).toBe(expected)
  })
})
