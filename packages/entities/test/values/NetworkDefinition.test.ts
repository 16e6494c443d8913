/** What Podman 5.4.2 makes of the same options, and says to those it refuses. */
import * as Result from "effect/Result"
import { describe, expect, it } from "vitest"
import type { NetworkCreateOptions } from "../../src/options/NetworkOptions.ts"
import type { Network } from "../../src/reports/NetworkReports.ts"
import { type IpSubnet, parseSubnet } from "../../src/values/IpAddress.ts"
import { defaultNetwork, networkDefinition, networkWanted } from "../../src/values/NetworkDefinition.ts"

const plain: NetworkCreateOptions = {
  name: "net",
  disableDns: false,
  dns: [],
  driver: "bridge",
  gateway: [],
  ignore: false,
  interfaceName: "",
  internal: false,
  ipRange: [],
  ipamDriver: "",
  ipv6: false,
  label: [],
  opt: [],
  route: [],
  subnet: [],
}

const subnets = (...texts: ReadonlyArray<string>): ReadonlyArray<IpSubnet> =>
  texts.flatMap((text) => parseSubnet(text) ?? [])

const created = "2026-01-01T00:00:00.000Z"
const around = {
  networks: [{ ...defaultNetwork, created }] as ReadonlyArray<Network>,
  hostInterfaces: ["lo", "eth0", "podman2"],
  hostSubnets: subnets("127.0.0.1/8", "192.0.2.2/24", "fd00::2/64", "10.89.1.1/24"),
  id: "ab".repeat(32),
  created,
  uniqueLocal: subnets("fd16:13fe:d753:4d9d::/64")[0] as IpSubnet,
}

const define = (options: Partial<NetworkCreateOptions>, others: ReadonlyArray<Network> = []) =>
  Result.flatMap(networkWanted({ ...plain, ...options }), (wanted) =>
    networkDefinition(wanted, { ...around, networks: [...around.networks, ...others] }),
  )

const made = (options: Partial<NetworkCreateOptions>, others: ReadonlyArray<Network> = []) =>
  Result.getOrThrow(define(options, others))

describe("a network", () => {
  it("has the first free bridge and subnet, and a name after the bridge if it is given none", () => {
    const first = made({ name: "" })
    expect(first).toEqual({
      name: "podman1",
      id: around.id,
      driver: "bridge",
      network_interface: "podman1",
      created,
      subnets: [{ subnet: "10.89.0.0/24", gateway: "10.89.0.1" }],
      ipv6_enabled: false,
      internal: false,
      dns_enabled: true,
      ipam_options: { driver: "host-local" },
    })
    // podman2 and 10.89.1.0/24 are the host's
    expect(made({}, [first])).toMatchObject({ network_interface: "podman3", subnets: [{ subnet: "10.89.2.0/24" }] })
  })

  it.each([
    [
      "a range as a subnet",
      { subnet: ["10.99.1.0/24"], gateway: ["10.99.1.9"], ipRange: ["10.99.1.128/25"] },
      [
        {
          subnet: "10.99.1.0/24",
          gateway: "10.99.1.9",
          lease_range: { start_ip: "10.99.1.129", end_ip: "10.99.1.255" },
        },
      ],
    ],
    [
      "a range by its ends",
      { subnet: ["10.57.0.0/24"], ipRange: ["10.57.0.10-10.57.0.20"] },
      [
        {
          subnet: "10.57.0.0/24",
          gateway: "10.57.0.1",
          lease_range: { start_ip: "10.57.0.10", end_ip: "10.57.0.20" },
        },
      ],
    ],
    ["an address for its subnet", { subnet: ["10.99.3.5/24"] }, [{ subnet: "10.99.3.0/24", gateway: "10.99.3.1" }]],
    [
      "both families",
      { ipv6: true },
      [
        { subnet: "10.89.0.0/24", gateway: "10.89.0.1" },
        { subnet: "fd16:13fe:d753:4d9d::/64", gateway: "fd16:13fe:d753:4d9d::1" },
      ],
    ],
    [
      "the other family",
      { ipv6: true, subnet: ["fd01:2:3::/64"] },
      [
        { subnet: "fd01:2:3::/64", gateway: "fd01:2:3::1" },
        { subnet: "10.89.0.0/24", gateway: "10.89.0.1" },
      ],
    ],
    ["IPv6 alone", { subnet: ["fd00:5::/64"] }, [{ subnet: "fd00:5::/64", gateway: "fd00:5::1" }]],
    ["no gateway where nobody asks it", { internal: true, disableDns: true }, [{ subnet: "10.89.0.0/24" }]],
    ["a gateway to ask for names", { internal: true }, [{ subnet: "10.89.0.0/24", gateway: "10.89.0.1" }]],
  ] as const)("takes %s", (_, options, expected) => {
    const network = made(options)
    expect(network.subnets).toEqual(expected)
    expect(network.ipv6_enabled).toBe(JSON.stringify(expected).includes("::"))
  })

  it("keeps labels, options, routes and servers", () => {
    expect(
      made({
        label: ["a=b", "foo"],
        opt: ["com.docker.network.driver.mtu=1300", "isolate=1"],
        route: ["10.1.0.0/24,10.59.0.9"],
        dns: ["9.9.9.9"],
      }),
    ).toMatchObject({
      labels: { a: "b", foo: "" },
      options: { mtu: "1300", isolate: "true" },
      routes: [{ destination: "10.1.0.0/24", gateway: "10.59.0.9" }],
      network_dns_servers: ["9.9.9.9"],
    })
  })
})

describe("refuses", () => {
  const taken = made({ name: "taken", interfaceName: "podman9" })
  it.each([
    [
      { name: "bad name" },
      "network name bad name invalid: names must match [a-zA-Z0-9][a-zA-Z0-9_.-]*: invalid argument",
    ],
    [{ name: "host" }, 'cannot create network with name "host" because it conflicts with a valid network mode'],
    [{ driver: "nope" }, 'failed to find driver or plugin "nope"'],
    [{ subnet: ["10.99.1"] }, "invalid CIDR address: 10.99.1"],
    [{ subnet: ["10.88.9.0/24"] }, "subnet 10.88.9.0/24 is already used on the host or by another config"],
    [{ subnet: ["192.0.2.0/25"] }, "subnet 192.0.2.0/25 is already used on the host or by another config"],
    [{ subnet: ["10.1.0.0/16", "10.1.2.0/24"] }, "subnet 10.1.2.0/24 is already used on the host or by another config"],
    [{ gateway: ["10.99.1.1"] }, "cannot set gateway or range without subnet"],
    [{ subnet: ["10.99.4.0/24"], gateway: ["10.99.5.1"] }, "gateway 10.99.5.1 not in subnet 10.99.4.0/24"],
    [{ subnet: ["10.99.4.0/24"], gateway: ["10.99.4.1", "10.99.4.2"] }, "cannot set more gateways than subnets"],
    [{ subnet: ["10.99.4.0/24"], ipRange: ["10.99.4.0/25", "10.99.4.128/25"] }, "cannot set more ranges than subnets"],
    [
      { subnet: ["10.99.4.0/24"], ipRange: ["10.98.4.0/24"] },
      "lease range start ip 10.98.4.1 not in subnet 10.99.4.0/24",
    ],
    [{ subnet: ["10.99.4.0/32"] }, "subnet 10.99.4.0/32 has no room for a gateway and a container"],
    [{ interfaceName: "podman9" }, "bridge name podman9 already in use"],
    [{ opt: ["nope=1"] }, "unsupported bridge network option nope"],
    [{ opt: ["mtu=foo"] }, 'strconv.Atoi: parsing "foo": invalid syntax'],
    [{ opt: ["isolate=foo"] }, 'failed to parse isolate option: strconv.ParseBool: parsing "foo": invalid syntax'],
    [{ ipamDriver: "foo" }, 'unsupported ipam driver "foo"'],
    [{ dns: ["foo"] }, "unable to parse ip foo specified in NetworkDNSServers: invalid argument"],
    [
      { dns: ["9.9.9.9"], disableDns: true },
      "cannot set NetworkDNSServers if DNS is not enabled for the network: invalid argument",
    ],
  ] satisfies ReadonlyArray<readonly [Partial<NetworkCreateOptions>, string]>)("%j", (options, message) => {
    expect(Result.getFailure(define(options, [taken]))).toMatchObject({ value: { message } })
  })
})
