/** Which pod a new container belongs to and where its namespaces come from: options, pod and owners become plain facts. */
import { hostname } from "node:os"
import {
  type CreateFailure,
  type CreateOptions,
  namespaceMode,
  type NamespaceKind,
  type NamespaceMode,
  NamespaceOwnerMissing,
  NamespaceRefused,
} from "@cryopod/entities"
import {
  type ContainerRecord,
  Containers,
  isHostNamespace,
  joinedContainer,
  type Namespaces,
  type NamespaceSource,
  type PodConfig,
} from "@cryopod/runtime"
import * as Effect from "effect/Effect"

/** A pod, and its infra container if it has one. */
export interface JoinedPod {
  readonly config: PodConfig
  readonly infra: ContainerRecord | undefined
}

export interface Membership {
  readonly pod?: string
  readonly infra?: boolean
  readonly namespaces: Namespaces
  readonly ipcShareable: boolean
  readonly network: "none" | "host"
  /** Of the UTS namespace, when it is not the container's own. */
  readonly hostname?: string
}

type Wanted = Pick<CreateOptions, "pid" | "ipc" | "uts" | "network" | "hostname">

export const membership = Effect.fn("Container.membership")(function* (
  options: Wanted,
  pod: JoinedPod | undefined,
): Effect.fn.Return<Membership, CreateFailure, Containers> {
  const own = options.network === "none" ? ["none"] : []
  const modes: Readonly<Record<NamespaceKind, NamespaceMode>> = {
    cgroup: { _tag: "Default" },
    ipc: yield* Effect.fromResult(namespaceMode(options.ipc, ["shareable"])),
    net: yield* Effect.fromResult(namespaceMode(options.network, own)),
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
  const containers = yield* Containers
  const netOwner = typeof net === "object" ? yield* containers.get(net.container) : undefined
  return {
    ...(pod === undefined ? {} : { pod: pod.config.id }),
    namespaces: typeof net === "object" ? { ...others, net } : others,
    ipcShareable: options.ipc !== "private",
    network: netOwner?.config.network ?? (net === "host" ? "host" : "none"),
    ...(uts === undefined
      ? {}
      : { hostname: uts === "host" ? hostname() : (yield* containers.get(uts.container)).config.hostname }),
  }
})

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
