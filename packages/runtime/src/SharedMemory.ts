/**
 * What a container has as /dev/shm: a file system of its own, or with a joined IPC namespace that of the namespace's
 * owner, or the host's.
 */
import type { ContainerPaths, LayoutShape } from "@cryopod/host"
import type { ContainerConfig } from "./ContainerRecord.ts"
import { isHostNamespace, isOwnNamespace, joinedContainer } from "./Namespaces.ts"

type Configured = Pick<ContainerConfig, "id" | "network" | "namespaces">

/** Where the files of a container lie, its shared memory wherever it is. */
export const containerPaths = (layout: LayoutShape, config: Configured): ContainerPaths => {
  const paths = layout.container(config.id)
  const owner = joinedContainer(config, "ipc")
  if (owner !== undefined) return { ...paths, shm: layout.container(owner).shm }
  return isHostNamespace(config, "ipc") ? { ...paths, shm: "/dev/shm" } : paths
}

/** Others may go on using it, and changing it, while this container stands still. */
export const sharesMemory = (config: Configured): boolean => !isOwnNamespace(config, "ipc")
