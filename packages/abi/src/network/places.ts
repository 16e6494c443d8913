/** A container's places on its networks, from what it asks for, what it had, and the addresses it has been given. Pure. */
import {
  aliasesOf,
  formatIp,
  interfaceOn,
  type NetworkAttachment,
  type NetworkStatus,
  parseInterfaceAddress,
  parseMac,
} from "@cryopod/entities"
import type { ContainerRecord, Lease, NetavarkRequest, NetworkPlace } from "@cryopod/runtime"

/** What a container had, and what of it it is to have again. */
export interface FormerPlaces {
  readonly status: NetworkStatus
  readonly addresses: boolean
  readonly macs: boolean
  /** Its connections may come back, now or with a later restore; packets for them wait until then. */
  readonly connections: boolean
}

/**
 * What is asked for on every network: with former places, what the container had there and not what it was made with. An
 * address that cannot be read is none.
 */
export const wishedPlaces = (
  attachments: ReadonlyArray<NetworkAttachment>,
  former: FormerPlaces | undefined,
): ReadonlyArray<NetworkAttachment> =>
  attachments.map((attachment) => {
    const had = former === undefined ? undefined : interfaceOn(former.status, attachment.network)
    if (former === undefined || had === undefined) return attachment
    const { ips: _, mac: __, ...rest } = attachment
    const mac = parseMac(had.mac_address)
    return {
      ...rest,
      ips: former.addresses
        ? (had.subnets ?? []).flatMap(({ ipnet }) => {
            const address = parseInterfaceAddress(ipnet)?.address
            return address === undefined ? [] : [formatIp(address)]
          })
        : [],
      ...(former.macs && mac !== undefined ? { mac } : {}),
    }
  })

/** Interfaces without a name are `eth0`, `eth1` and so on, in the order of the networks. */
export const withInterfaceNames = (
  attachments: ReadonlyArray<NetworkAttachment>,
): ReadonlyArray<NetworkAttachment & { readonly interfaceName: string }> => {
  const taken = new Set(attachments.flatMap(({ interfaceName }) => interfaceName ?? []))
  let next = 0
  return attachments.map((attachment) => {
    while (taken.has(`eth${next}`)) next++
    const interfaceName = attachment.interfaceName ?? `eth${next}`
    taken.add(interfaceName)
    return { ...attachment, interfaceName }
  })
}

export const netavarkRequest = (
  { config, id, name }: ContainerRecord,
  attachments: ReadonlyArray<NetworkAttachment>,
  leases: ReadonlyArray<Lease>,
): NetavarkRequest => ({
  containerId: id,
  containerName: name,
  ports: config.ports ?? [],
  dnsServers: config.names?.servers ?? [],
  places: withInterfaceNames(attachments).flatMap((attachment): ReadonlyArray<NetworkPlace> => {
    const lease = leases.find(({ network }) => network.name === attachment.network)
    if (lease === undefined) return []
    return [
      {
        network: lease.network,
        ips: lease.ips,
        ...(attachment.mac === undefined ? {} : { mac: attachment.mac }),
        interfaceName: attachment.interfaceName,
        aliases: aliasesOf(config, attachment),
        ...(attachment.options === undefined ? {} : { options: attachment.options }),
      },
    ]
  }),
})
