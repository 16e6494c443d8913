/** What of the network is this host's own: its interfaces and the subnets they are in. */
import { type IpSubnet, parseSubnet, type ToolFailed, type ToolMissing } from "@cryopod/entities"
import { runOk, Tools } from "@cryopod/host"
import * as Effect from "effect/Effect"

export interface HostNetwork {
  readonly interfaces: ReadonlyArray<string>
  readonly subnets: ReadonlyArray<IpSubnet>
}

/** One interface, as `ip -json addr` shows it (iproute2). */
interface IpLink {
  readonly ifname?: string
  readonly addr_info?: ReadonlyArray<{ readonly local?: string; readonly prefixlen?: number }>
}

export const hostNetwork: Effect.Effect<HostNetwork, ToolMissing | ToolFailed, Tools> = Effect.gen(function* () {
  const tools = yield* Tools
  const text = yield* runOk(yield* tools.path("ip"), ["-json", "addr", "show"], { env: tools.environment })
  const links = JSON.parse(text) as ReadonlyArray<IpLink>
  return {
    interfaces: links.flatMap(({ ifname }) => ifname ?? []),
    subnets: links.flatMap(({ addr_info: addresses = [] }) =>
      addresses.flatMap(({ local, prefixlen }) => parseSubnet(`${local ?? ""}/${prefixlen ?? ""}`) ?? []),
    ),
  }
})
