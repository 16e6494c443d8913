/** Whose namespaces containers in memory have: they share nothing that could be seen, but depend on each other. */
import * as Effect from "effect/Effect"
import type { ContainerAmbiguous } from "../../failures/ContainerFailures.ts"
import { type NamespaceModeInvalid, NamespaceOwnerMissing, NamespaceRefused } from "../../failures/PodFailures.ts"
import type { CreateOptions } from "../../options/CreateOptions.ts"
import { namespaceMode } from "../../values/NamespaceMode.ts"
import { findContainer, type MemoryContainer, type MemoryHost } from "./MemoryHost.ts"

/** As `inspect` shows them; `container:` and an id for one that is joined. */
export interface MemoryNamespaces {
  readonly ipc: string
  readonly net: string
  readonly pid: string
  readonly uts: string
}

/** Of the words for networks, those that are no mode mean bridges of the container's own. */
export const bridges = ({ network: [first = ""] }: Pick<CreateOptions, "network">): boolean =>
  !/^(?:none|host|pod|container:.*)$/.test(first)

export const memoryNamespaces = Effect.fnUntraced(function* (
  host: MemoryHost,
  options: CreateOptions,
): Effect.fn.Return<
  MemoryNamespaces,
  NamespaceModeInvalid | NamespaceOwnerMissing | NamespaceRefused | ContainerAmbiguous
> {
  const source = Effect.fnUntraced(function* (kind: keyof MemoryNamespaces, text: string, own: string) {
    const mode = yield* Effect.fromResult(namespaceMode(text, [own]))
    if (mode._tag === "Pod") return yield* new NamespaceRefused({ problem: "noPod" })
    if (mode._tag !== "Container") return mode._tag === "Host" ? "host" : text === "private" ? "private" : own
    const owner = yield* findContainer(host, mode.ref).pipe(
      Effect.catchTag("ContainerNotFound", () => Effect.fail(new NamespaceOwnerMissing({ kind, ref: mode.ref }))),
    )
    return `container:${owner.id}`
  })
  const uts = yield* source("uts", options.uts, "private")
  if (uts !== "private" && options.hostname !== "") return yield* new NamespaceRefused({ problem: "hostnameOfHost" })
  return {
    ipc: yield* source("ipc", options.ipc, "shareable"),
    net: bridges(options) ? "bridge" : yield* source("net", options.network[0] ?? "", "none"),
    pid: yield* source("pid", options.pid, "private"),
    uts,
  }
})

/** Ids of the containers that must run before this one can. */
export const ownersOf = ({ config }: MemoryContainer): ReadonlyArray<string> => [
  ...new Set(
    Object.values(config.namespaces).flatMap((text: string) => {
      const id = /^container:(.+)$/.exec(text)?.[1]
      return id === undefined ? [] : [id]
    }),
  ),
]

export const dependentsOf = (host: MemoryHost, id: string): ReadonlyArray<MemoryContainer> =>
  host.containers.filter((container) => ownersOf(container).includes(id))
