/**
 * Where the namespaces of a restored container come from: those that it shared with a pod must be shared by the pod that
 * it is restored into. Podman 5.4 `pkg/checkpoint/checkpoint_restore.go`. Pure.
 */
import { hostname } from "node:os"
import { type NamespaceKind, namespaceKinds, PodRestoreRefused } from "@cryopod/entities"
import type { Namespaces, NamespaceSource } from "@cryopod/runtime"
import * as Result from "effect/Result"
import { type JoinedPod, type Membership, ofOwner } from "../container/membership.ts"
import type { OpenedCheckpoint } from "./open.ts"

/** libpod's keys for the container that a namespace is shared with. */
const ownerKeys = {
  cgroup: "cgroupNsCtr",
  ipc: "ipcNsCtr",
  net: "netNsCtr",
  pid: "pidNsCtr",
  uts: "utsNsCtr",
} as const satisfies Record<NamespaceKind, keyof OpenedCheckpoint["config"]>

/** Types of the OCI specification, where one that is not named is the host's. */
const specTypes = { ipc: "ipc", pid: "pid", uts: "uts" } as const

export const importedMembership = (
  { config, spec }: Pick<OpenedCheckpoint, "config" | "spec">,
  pod: JoinedPod | undefined,
): Result.Result<Omit<Membership, "connection">, PodRestoreRefused> => {
  const refuse = (problem: PodRestoreRefused["problem"]) =>
    Result.fail(new PodRestoreRefused({ problem, pod: pod?.config.id ?? "" }))
  const wasInPod = (config.pod ?? "") !== ""
  if (wasInPod && pod === undefined) return refuse("podMissing")
  if (!wasInPod && pod !== undefined) return refuse("podUnwanted")
  if ((config.Dependencies ?? []).length > 0) return refuse("dependencies")
  const shared = namespaceKinds.filter((kind) => (config[ownerKeys[kind]] ?? "") !== "")
  if (pod === undefined && shared.length > 0) return refuse("dependencies")
  if (pod !== undefined && pod.infra === undefined) return refuse("noInfra")

  const namespaces: { -readonly [Kind in keyof Namespaces]: NamespaceSource } = {}
  for (const [kind, type] of Object.entries(specTypes) as ReadonlyArray<readonly [keyof typeof specTypes, string]>) {
    if (!spec.linux.namespaces.some((namespace) => namespace.type === type)) namespaces[kind] = "host"
  }
  for (const kind of shared) {
    if (pod?.infra === undefined || !pod.config.shares.includes(kind)) return refuse(kind)
    namespaces[kind] = ofOwner(pod.infra, kind)
  }
  const { net, ...others } = namespaces
  const { uts } = namespaces
  return Result.succeed({
    ...(pod === undefined ? {} : { pod: pod.config.id }),
    namespaces: typeof net === "object" ? { ...others, net } : others,
    ipcShareable: true,
    network:
      net !== undefined && pod?.infra !== undefined
        ? pod.infra.config.network
        : config.createNetNS === true
          ? "bridge"
          : spec.linux.namespaces.some(({ type }) => type === "network")
            ? "none"
            : "host",
    ...(uts === undefined ? {} : { hostname: uts === "host" ? hostname() : (pod?.infra?.config.hostname ?? "") }),
  })
}

/** The words of the command that made the container, with the pod that it is in now. */
export const renamedPod = (
  words: ReadonlyArray<string>,
  { from, to }: { readonly from: string; readonly to: string | undefined },
): ReadonlyArray<string> => words.map((word) => (to !== undefined && word === from ? to : word))
