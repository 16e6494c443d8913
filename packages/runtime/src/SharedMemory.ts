/**
 * Files that follow a namespace: /dev/shm of the IPC namespace, which is a file system of the container's own, that of the
 * namespace's owner, or the host's; and the files with names, which belong to whoever owns the network namespace.
 */
import type { ContainerPaths, LayoutShape } from "@cryopod/host"
import type { ContainerConfig } from "./ContainerRecord.ts"
import { isHostNamespace, isOwnNamespace, joinedContainer } from "./Namespaces.ts"

type Configured = Pick<ContainerConfig, "id" | "network" | "namespaces">

/** Where the files of a container lie, those that follow a namespace wherever that is. */
export const containerPaths = (layout: LayoutShape, config: Configured): ContainerPaths => {
  const network = layout.container(joinedContainer(config, "net") ?? config.id)
  const paths = { ...layout.container(config.id), hosts: network.hosts, resolvConf: network.resolvConf }
  const owner = joinedContainer(config, "ipc")
  if (owner !== undefined) return { ...paths, shm: layout.container(owner).shm }
  return isHostNamespace(config, "ipc") ? { ...paths, shm: "/dev/shm" } : paths
}

/** Others may go on using it, and changing it, while this container stands still. */
export const sharesMemory = (config: Configured): boolean => !isOwnNamespace(config, "ipc")
