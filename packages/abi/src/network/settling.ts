/** Addresses that containers have left behind are theirs until somebody needs them. */
import type { HostFailure } from "@cryopod/entities"
import { Addresses, type LeaseFailure } from "@cryopod/runtime"
import * as Effect from "effect/Effect"
import { within } from "../container/ContainerScope.ts"
import type { EngineServices } from "../EngineServices.ts"

/** A lease for a container, tried again when whoever stood in its way has been put right. */
export const settling = <A>(
  id: string,
  lease: Effect.Effect<A, LeaseFailure | HostFailure>,
): Effect.Effect<A, LeaseFailure | HostFailure, EngineServices> => {
  const again = (network: string) => Effect.andThen(settleHolders(network, id), lease)
  return lease.pipe(
    Effect.catchTags({
      AddressInUse: ({ network }) => again(network),
      AddressesExhausted: ({ network }) => again(network),
    }),
  )
}

/** How long somebody else's operation is waited for: the caller's own lock must not be waited for in a circle. */
const patience = "2 seconds"

/** Whoever has an address on the network and has ended, or whose operation has died, is put right and gives it back. */
const settleHolders = Effect.fnUntraced(function* (network: string, id: string) {
  const holders = yield* (yield* Addresses).holders(network)
  for (const holder of holders.filter((other) => other !== id)) {
    yield* within(holder, () => Effect.void).pipe(
      Effect.timeoutOption(patience),
      Effect.catchTag("ContainerNotFound", () => Effect.void),
    )
  }
})
