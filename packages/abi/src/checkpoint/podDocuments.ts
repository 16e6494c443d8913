/**
 * The pod that a container was in, as the members `pod.options` and `pod.dump` tell it.
 *
 * Sources: checkpointctl `lib/metadata.go` (CheckpointedPodOptions), CRI-O `internal/lib/checkpoint.go`, whose `pod.dump`
 * is a CRI PodSandboxConfig. Pure.
 */
import type { ContainerRecord, PodConfig } from "@cryopod/runtime"

export const podOptionsVersion = 1

/** Which containers the checkpoint has, and whose. */
export const podOptions = (pod: PodConfig, { name }: ContainerRecord) => ({
  version: podOptionsVersion,
  containers: { [name]: name },
  annotations: { "org.criu.checkpoint.pod.name": pod.name, "org.criu.checkpoint.pod.id": pod.id },
})

export const podDump = (pod: PodConfig) => ({
  metadata: { name: pod.name, uid: pod.id, namespace: "" },
  hostname: pod.hostname === "" ? pod.name : pod.hostname,
  labels: pod.labels,
  sharedNamespaces: pod.shares,
})
