/** Networks, ports and names of a checkpointed container, from libpod's words: the way back of `connectionFields`. Pure. */
import {
  CheckpointInvalid,
  exposedPorts,
  type NetworkAttachment,
  type NetworkOptionInvalid,
  parseIp,
  parseMac,
  parsePublish,
  type PortMapping,
  type RestoreOptions,
} from "@cryopod/entities"
import * as Result from "effect/Result"
import type { Connection } from "../container/membership.ts"
import type { OpenedCheckpoint } from "./open.ts"

type Source = Pick<OpenedCheckpoint, "config" | "source">

/** Ports that are given take the place of those that the container had. */
export const importedConnection = (
  { config, source }: Source,
  { publish }: Pick<RestoreOptions, "publish">,
  network: "none" | "host" | "bridge",
): Result.Result<Connection, CheckpointInvalid | NetworkOptionInvalid> =>
  Result.gen(function* () {
    const placed = network === "bridge" && config.createNetNS === true
    const given: Array<PortMapping> = []
    for (const text of publish) given.push(...(yield* parsePublish(text)))
    const attachments = placed ? yield* attachmentsIn({ config, source }) : []
    return {
      attachments,
      published: !placed ? [] : given.length > 0 ? given : (config.newPortMappings ?? []),
      exposed: exposedPorts(config.exposedPorts ?? {}),
      names: {
        unmanaged: config.UseImageResolvConf === true,
        servers: config.dnsServer ?? [],
        searches: config.dnsSearch ?? [],
        options: config.dnsOption ?? [],
        hosts: config.hostsAdd ?? [],
        noHosts: config.UseImageHosts === true,
      },
    }
  })

const attachmentsIn = ({
  config,
  source,
}: Source): Result.Result<ReadonlyArray<NetworkAttachment>, CheckpointInvalid> => {
  const entries =
    config.orderedNetworks ?? Object.entries(config.newNetworks ?? {}).map(([name, options]) => ({ ...options, name }))
  return Result.all(
    entries.map(({ aliases, interface_name: interfaceName, name, options, static_ips, static_mac }) => {
      const wrong = (what: string) =>
        Result.fail(new CheckpointInvalid({ source, member: "config.dump", problem: `network ${name} has ${what}` }))
      const ips = static_ips ?? []
      const unreadable = ips.find((text) => parseIp(text) === undefined)
      if (unreadable !== undefined) return wrong(`the address ${JSON.stringify(unreadable)}, which is none`)
      const mac = static_mac ? parseMac(static_mac) : undefined
      if (static_mac && mac === undefined) return wrong(`the MAC address ${JSON.stringify(static_mac)}, which is none`)
      if (interfaceName && !/^[^/\s]{1,15}$/.test(interfaceName)) {
        return wrong(`the interface ${JSON.stringify(interfaceName)}, which cannot be one`)
      }
      return Result.succeed({
        network: name,
        ips,
        ...(mac === undefined ? {} : { mac }),
        aliases: aliases ?? [],
        ...(interfaceName ? { interfaceName } : {}),
        ...(options === undefined || options === null ? {} : { options }),
      } satisfies NetworkAttachment)
    }),
  )
}
