/** What a pod is doing, told from what its containers do (Podman `libpod/pod_status.go`). Pure. */
import type { ContainerStatus, PodStatus } from "@cryopod/entities"

export const podStatus = (containers: ReadonlyArray<ContainerStatus>): PodStatus => {
  const count = (...wanted: ReadonlyArray<ContainerStatus>) =>
    containers.filter((status) => wanted.includes(status)).length
  const total = containers.length
  if (total === 0) return "Created"
  if (count("running") === total) return "Running"
  if (count("running") > 0) return "Degraded"
  if (count("paused") === total) return "Paused"
  if (count("stopped", "exited") === total) return "Exited"
  return count("stopped", "exited") > 0 ? "Stopped" : "Created"
}
