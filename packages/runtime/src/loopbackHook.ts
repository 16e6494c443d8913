/**
 * The loopback of a container without a network, under runc.
 *
 * runc has CRIU leave the interfaces of such a container's namespace out, and put its sockets back into a namespace whose
 * loopback is down: what was connected over it cannot be connected again, and what comes later has none. runc runs these
 * hooks of a restore when CRIU has made the namespaces and nothing in them (runc 1.1 `libcontainer/container_linux.go`,
 * criuNotifications). crun has CRIU dump and restore the loopback.
 */
import type { ContainerConfig } from "./ContainerRecord.ts"
import { isOwnNamespace } from "./Namespaces.ts"
import type { OciSpec } from "./OciSpec.ts"

const script = String.raw`pid=$(sed -n 's/.*"pid": *\([0-9]*\).*/\1/p'); exec nsenter --target "$pid" --net ip link set lo up`

export const needsLoopback = (config: Pick<ContainerConfig, "runtime" | "network" | "namespaces">): boolean =>
  config.runtime === "runc" && config.network === "none" && isOwnNamespace(config, "net")

/** `path` is where programs are looked for. */
export const withLoopback = (spec: OciSpec, path: string): OciSpec => ({
  ...spec,
  hooks: { createRuntime: [{ path: "/bin/sh", args: ["sh", "-c", script], env: [`PATH=${path}`] }] },
})
