/** Which pod a new container belongs to and where its namespaces come from: options, pod and owners become plain facts. */
import { hostname } from "node:os"
import {
  type ContainerNetworkFlags,
  type CreateFailure,
  type CreateOptions,
  defaultNetworkName,
  type ExposedPort,
  type NameResolution,
  namespaceMode,
  type NamespaceKind,
  type NamespaceMode,
  NamespaceOwnerMissing,
  NamespaceRefused,
  type NetworkAttachment,
  networkWish,
  type PortMapping,
} from "@cryopod/entities"
import {
  type ContainerConfig,
  type ContainerRecord,
  Containers,
  isHostNamespace,
  joinedContainer,
  type Namespaces,
  type NamespaceSource,
  type Networks,
  type PodConfig,
} from "@cryopod/runtime"
import * as Effect from "effect/Effect"
import { attachmentsOf } from "../network/attachmentsOf.ts"

/** A pod, and its infra container if it has one. */
export interface JoinedPod {
  readonly config: PodConfig
  readonly infra: ContainerRecord | undefined
}

/** A container's place on networks; nothing for one that has its network from elsewhere. */
export interface Connection {
  readonly attachments: ReadonlyArray<NetworkAttachment>
  /** Ports of the host may still be to be found. */
  readonly published: ReadonlyArray<PortMapping>
  readonly exposed: ReadonlyArray<ExposedPort>
  readonly names: NameResolution
}

export interface Membership {
  readonly pod?: string
  readonly infra?: boolean
  readonly namespaces: Namespaces
  readonly ipcShareable: boolean
  readonly network: ContainerConfig["network"]
  readonly connection: Connection
  /** Of the UTS namespace, when it is not the container's own. */
  readonly hostname?: string
}

type Wanted = ContainerNetworkFlags & Pick<CreateOptions, "pid" | "ipc" | "uts" | "hostname" | "publishAll">

export const membership = Effect.fn("Container.membership")(function* (
  options: Wanted,
  pod: JoinedPod | undefined,
): Effect.fn.Return<Membership, CreateFailure, Containers | Networks> {
  const wish = yield* Effect.fromResult(networkWish(options))
  const modes: Readonly<Record<NamespaceKind, NamespaceMode>> = {
    cgroup: { _tag: "Default" },
    ipc: yield* Effect.fromResult(namespaceMode(options.ipc, ["shareable"])),
    net: wish.mode._tag === "None" || wish.mode._tag === "Bridge" ? { _tag: "Private" } : wish.mode,
    pid: yield* Effect.fromResult(namespaceMode(options.pid)),
    uts: yield* Effect.fromResult(namespaceMode(options.uts)),
  }
  const namespaces: Partial<Record<NamespaceKind, NamespaceSource>> = {}
  for (const [kind, mode] of Object.entries(modes) as ReadonlyArray<readonly [NamespaceKind, NamespaceMode]>) {
    const source = yield* sourceOf(kind, mode, pod)
    if (source !== undefined) namespaces[kind] = source
  }
  const { uts } = namespaces
  if (options.hostname !== "" && uts !== undefined) {
    const ofPod = modes.uts._tag === "Default" || modes.uts._tag === "Pod"
    return yield* new NamespaceRefused({ problem: ofPod ? "hostnameOfPod" : "hostnameOfHost" })
  }
  const { net, ...others } = namespaces
  const ofPod = typeof net === "object" && (modes.net._tag === "Default" || modes.net._tag === "Pod")
  if (ofPod && (wish.published.length > 0 || options.publishAll)) {
    return yield* new NamespaceRefused({ problem: "portsOfPod" })
  }
  if (ofPod && wish.attachments.length > 0) return yield* new NamespaceRefused({ problem: "networksOfPod" })
  const own: ContainerConfig["network"] = wish.mode._tag === "None" ? "none" : "bridge"
  const containers = yield* Containers
  const netOwner = typeof net === "object" ? yield* containers.get(net.container) : undefined
  return {
    ...(pod === undefined ? {} : { pod: pod.config.id }),
    namespaces: typeof net === "object" ? { ...others, net } : others,
    ipcShareable: options.ipc !== "private",
    network: netOwner?.config.network ?? (net === "host" ? "host" : own),
    connection:
      net === undefined && own === "bridge"
        ? { ...wish, attachments: yield* attachmentsOf(onSomeNetwork(wish.attachments)) }
        : { ...wish, attachments: [], published: [] },
    ...(uts === undefined
      ? {}
      : { hostname: uts === "host" ? hostname() : (yield* containers.get(uts.container)).config.hostname }),
  }
})

const onSomeNetwork = (asked: ReadonlyArray<NetworkAttachment>): ReadonlyArray<NetworkAttachment> =>
  asked.length === 0 ? [{ network: defaultNetworkName, ips: [], aliases: [] }] : asked

/** Nothing for a namespace of the container's own. */
const sourceOf = Effect.fnUntraced(function* (
  kind: NamespaceKind,
  mode: NamespaceMode,
  pod: JoinedPod | undefined,
): Effect.fn.Return<NamespaceSource | undefined, CreateFailure, Containers> {
  switch (mode._tag) {
    case "Private":
      return undefined
    case "Host":
      return "host"
    case "Default":
      return pod?.infra !== undefined && pod.config.shares.includes(kind) ? ofOwner(pod.infra, kind) : undefined
    case "Pod":
      return pod?.infra === undefined ? yield* new NamespaceRefused({ problem: "noPod" }) : ofOwner(pod.infra, kind)
    case "Container": {
      const owner = yield* (yield* Containers)
        .find(mode.ref)
        .pipe(
          Effect.catchTag("ContainerNotFound", () => Effect.fail(new NamespaceOwnerMissing({ kind, ref: mode.ref }))),
        )
      if (kind === "ipc" && owner.config.ipcShareable === false) {
        return yield* new NamespaceRefused({ problem: "privateIpc", id: owner.id })
      }
      return ofOwner(owner, kind)
    }
  }
})

/** A namespace that its owner has from elsewhere is joined there. */
export const ofOwner = ({ config, id }: ContainerRecord, kind: NamespaceKind): NamespaceSource =>
  isHostNamespace(config, kind) ? "host" : { container: joinedContainer(config, kind) ?? id }
