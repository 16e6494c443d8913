/**
 * Where a container's namespaces come from, as `--pid`, `--ipc`, `--uts` and `--network` spell it
 * (Podman `pkg/specgen/namespaces.go`).
 */
import * as Result from "effect/Result"
import { NamespaceModeInvalid } from "../failures/PodFailures.ts"

/** The kernel namespaces that containers can share, by libpod's names. */
export const namespaceKinds = ["cgroup", "ipc", "net", "pid", "uts"] as const
export type NamespaceKind = (typeof namespaceKinds)[number]

export type NamespaceMode =
  /** What the pod shares, or the container's own. */
  | { readonly _tag: "Default" }
  /** The container's own. */
  | { readonly _tag: "Private" }
  | { readonly _tag: "Host" }
  /** The pod's, whether it shares it with everybody or not. */
  | { readonly _tag: "Pod" }
  /** Another container's, by name or id. */
  | { readonly _tag: "Container"; readonly ref: string }

/** Read a mode; `own` are further words for a namespace of the container's own. */
export const namespaceMode = (
  text: string,
  own: ReadonlyArray<string> = [],
): Result.Result<NamespaceMode, NamespaceModeInvalid> => {
  if (text === "") return Result.succeed({ _tag: "Default" })
  if (text === "private" || own.includes(text)) return Result.succeed({ _tag: "Private" })
  if (text === "host") return Result.succeed({ _tag: "Host" })
  if (text === "pod") return Result.succeed({ _tag: "Pod" })
  const ref = /^container:(.+)$/.exec(text)?.[1]
  return ref === undefined
    ? Result.fail(new NamespaceModeInvalid({ mode: text }))
    : Result.succeed({ _tag: "Container", ref })
}
