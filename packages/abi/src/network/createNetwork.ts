/** Define a network. */
import {
  type IpSubnet,
  type NetworkCreateOptions,
  networkDefinition,
  type NetworkFailure,
  networkWanted,
} from "@cryopod/entities"
import { randomHex } from "@cryopod/host"
import { hostNetwork, Networks } from "@cryopod/runtime"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import type { EngineServices } from "../EngineServices.ts"

/** Succeeds with the name of the network. */
export const createNetwork = Effect.fn("Network.create")(function* (
  options: NetworkCreateOptions,
): Effect.fn.Return<string, NetworkFailure, EngineServices> {
  const wanted = yield* Effect.fromResult(networkWanted(options))
  const host = yield* hostNetwork
  const created = DateTime.formatIso(yield* DateTime.now)
  const drawn = yield* Effect.sync(() => ({ id: randomHex(32), uniqueLocal: uniqueLocal() }))
  const define = (yield* Networks).define(wanted.name, (networks) =>
    networkDefinition(wanted, {
      networks,
      hostInterfaces: host.interfaces,
      hostSubnets: host.subnets,
      created,
      ...drawn,
    }),
  )
  const { name } = yield* define.pipe(
    Effect.catchTag("NetworkExists", (failure) =>
      options.ignore ? Effect.succeed({ name: failure.name }) : Effect.fail(failure),
    ),
  )
  return name
})

/** RFC 4193: fd00::/8, a random global id and a random subnet. */
const uniqueLocal = (): IpSubnet => {
  const random = BigInt(`0x${randomHex(7)}`)
  return { network: { family: 6, value: ((0xfdn << 56n) | random) << 64n }, prefix: 64 }
}
