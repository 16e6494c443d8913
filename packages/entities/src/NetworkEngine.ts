/** Networks, near or far: the interface that the local engine and the tunnel both implement. */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type { ConnectionFailure, ContainerFailure, HostFailure, NetworkFailure } from "./failures/index.ts"
import type { Items } from "./Item.ts"
import type { NetworkCreateOptions, NetworkListFlags, NetworkPruneFlags } from "./options/NetworkOptions.ts"
import type { NetworkAttachment } from "./values/ContainerNetwork.ts"
import type { Network, NetworkInspect } from "./reports/NetworkReports.ts"

/** Removing by force removes the containers that are on a network, which can fail as any removal can. */
export type NetworkRemovalFailure = NetworkFailure | ContainerFailure

export interface NetworkEngineShape {
  /**
   * Define a network; nothing of it exists on the host until a container is put on it. Succeeds with its name once the
   * definition is durable; of two that define the same network at once, one succeeds. With `ignore`, one that exists is a
   * success that changes nothing. Subnets that this host or another network uses are refused, or passed over when
   * none is asked for.
   */
  readonly create: (options: NetworkCreateOptions) => Effect.Effect<string, NetworkFailure>
  /** By name; the default network is always there. */
  readonly list: (flags: NetworkListFlags) => Effect.Effect<ReadonlyArray<Network>, NetworkFailure>
  /** By name, or by an unambiguous beginning of an id; with the running containers that are on it. */
  readonly inspect: (ref: string) => Effect.Effect<NetworkInspect, NetworkFailure>
  readonly exists: (ref: string) => Effect.Effect<boolean, HostFailure>
  /**
   * Forget networks. One that containers are on is refused, or with `force` goes together with those containers, which
   * get `timeSeconds` to stop. With `force`, one that is not there is no item.
   */
  readonly remove: (
    names: ReadonlyArray<string>,
    options: { readonly force: boolean; readonly timeSeconds: number },
  ) => Effect.Effect<Items<string, NetworkRemovalFailure>, HostFailure>
  /**
   * Give a container a place on one network more: at once when it runs, which fails when it has one there already; when it
   * does not run, with its next start or restore, and a place that it has stays as it is.
   */
  readonly connect: (container: string, attachment: NetworkAttachment) => Effect.Effect<void, ConnectionFailure>
  /** Take a container off a network, at once and for good. Others that it is on stay, under the names that it knows them by. */
  readonly disconnect: (
    container: string,
    options: { readonly network: string; readonly force: boolean },
  ) => Effect.Effect<void, ConnectionFailure>
  /** Forget the networks that no container is on, but for the default one. One that finds a container meanwhile stays. */
  readonly prune: (flags: NetworkPruneFlags) => Effect.Effect<Items<string, NetworkFailure>, NetworkFailure>
}

export class NetworkEngine extends Context.Service<NetworkEngine, NetworkEngineShape>()(
  "@cryopod/entities/NetworkEngine",
) {}
