/**
 * Where the namespaces of a container come from. This is the only place that decides it: the specification, the
 * engine's files and `inspect` ask here.
 *
 * A namespace is the container's own unless its configuration says otherwise. One that belongs to another container
 * is joined by the path of its main process, which is known only while that runs; so the path is written into the
 * bundle each time before the container is started or restored.
 */
import type { NamespaceKind } from "@cryopod/entities"
import type { ContainerConfig } from "./ContainerRecord.ts"

export type NamespaceSource =
  | "host"
  /** Id of the container whose namespace is joined. */
  | { readonly container: string }

/** Kinds that are not named are the container's own. */
export type Namespaces = { readonly [Kind in NamespaceKind]?: NamespaceSource }

type Configured = Pick<ContainerConfig, "network" | "namespaces">

/** Types of the OCI runtime-spec (`config-linux.md`, namespaces), in the order in which specifications list them. */
const specTypes = { pid: "pid", net: "network", ipc: "ipc", uts: "uts" } as const

type SpecKind = keyof typeof specTypes
const specKinds: ReadonlyArray<SpecKind> = ["pid", "net", "ipc", "uts"]

const sourceOf = ({ namespaces, network }: Configured, kind: NamespaceKind): NamespaceSource | "own" =>
  namespaces?.[kind] ?? (kind === "net" && network === "host" ? "host" : "own")

/** Id of the container whose namespace of this kind is joined. */
export const joinedContainer = (config: Configured, kind: NamespaceKind): string | undefined => {
  const source = sourceOf(config, kind)
  return typeof source === "string" ? undefined : source.container
}

export const isOwnNamespace = (config: Configured, kind: NamespaceKind): boolean => sourceOf(config, kind) === "own"
export const isHostNamespace = (config: Configured, kind: NamespaceKind): boolean => sourceOf(config, kind) === "host"

/** As `inspect` shows it; `own` is the word for a namespace of the container's own. */
export const namespaceText = (config: Configured, kind: NamespaceKind, own: string): string => {
  const joined = joinedContainer(config, kind)
  if (joined !== undefined) return `container:${joined}`
  return isHostNamespace(config, kind) ? "host" : own
}

/** Containers that must run before this one can. */
export const dependenciesOf = ({ namespaces }: Pick<ContainerConfig, "namespaces">): ReadonlyArray<string> => [
  ...new Set(
    Object.values(namespaces ?? {}).flatMap((source) => (typeof source === "string" ? [] : [source.container])),
  ),
]

export interface SpecNamespace {
  readonly type: string
  readonly path?: string
}

/** The namespaces of a specification; those that are joined have no path yet. */
export const specNamespaces = (config: Configured): ReadonlyArray<SpecNamespace> => [
  ...specKinds.filter((kind) => !isHostNamespace(config, kind)).map((kind) => ({ type: specTypes[kind] })),
  { type: "mount" },
]

/** A network namespace of the container's own that is made before it starts, because interfaces are put into it. */
export const hasPlacedNetwork = (config: Configured): boolean =>
  config.network === "bridge" && isOwnNamespace(config, "net")

/** Where namespaces are that the container finds made. */
export interface NamespacePlaces {
  /** A container's main process. */
  readonly pidOf: (containerId: string) => number
  /** Path of the container's own network namespace. */
  readonly network: string
}

/** Those of a specification, with the paths of the ones that are not made by the runtime. */
export const placedNamespaces = (
  config: Configured,
  namespaces: ReadonlyArray<SpecNamespace>,
  { network, pidOf }: NamespacePlaces,
): ReadonlyArray<SpecNamespace> =>
  namespaces.map(({ type }) => {
    const kind = specKinds.find((known) => specTypes[known] === type)
    if (kind === "net" && hasPlacedNetwork(config)) return { type, path: network }
    const joined = kind === undefined ? undefined : joinedContainer(config, kind)
    return joined === undefined || kind === undefined ? { type } : { type, path: `/proc/${pidOf(joined)}/ns/${kind}` }
  })
