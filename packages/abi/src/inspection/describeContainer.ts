/**
 * The container of a checkpoint, as its documents describe it: libpod's, and as far as they tell the same, CRI-O's and
 * containerd's. Pure.
 *
 * Sources: Podman 5.4 `libpod/container_config.go`; CRI-O `internal/lib/checkpoint.go`, `pkg/annotations`; checkpointctl
 * `lib/metadata.go`.
 */
import * as fs from "node:fs"
import { join } from "node:path"
import { checkpointMembers } from "@cryopod/checkpoint"
import type { CheckpointInspect } from "@cryopod/entities"
import type { View } from "./openView.ts"

/** What is looked at to describe a container. */
export type Described = Pick<View, "annotations" | "config" | "members" | "record"> & {
  readonly spec: Pick<View["spec"], "annotations" | "hostname">
}

export const describeContainer = (view: Described): CheckpointInspect["container"] => {
  const { annotations, config, record, spec } = view
  const marks = spec.annotations ?? {}
  const engine = engineOf(view)
  const { ip, mac } = addressesOf(view.members)
  return {
    id: text(config["id"]) || (marks["io.kubernetes.cri-o.ContainerID"] ?? ""),
    name: record?.name ?? (engine === "CRI-O" ? criName(marks) : text(config["name"])),
    image:
      text(config["rootfsImageName"]) || text(config["rootfsImage"]) || (marks["io.kubernetes.cri-o.ImageName"] ?? ""),
    imageId: text(config["rootfsImageID"]) || text(config["rootfsImageRef"]),
    runtime: baseName(text(config["runtime"]) || (annotations["io.podman.annotations.checkpoint.runtime.name"] ?? "")),
    engine,
    created: text(config["createdTime"]) || (marks["io.kubernetes.cri-o.Created"] ?? ""),
    ip: ip || (marks["io.kubernetes.cri-o.IP.0"] ?? ""),
    mac,
    pod: text(config["pod"]),
    hostname: spec.hostname ?? "",
  }
}

const text = (value: unknown): string => (typeof value === "string" ? value : "")
const baseName = (path: string): string => path.slice(path.lastIndexOf("/") + 1)

/** By the mark that checkpointctl goes by; images of ours name us. */
const engineOf = ({ annotations, record, spec }: Described): string => {
  const named = annotations["org.criu.checkpoint.engine.name"]
  if (record !== undefined || named === "cryopod") return "cryopod"
  const manager = spec.annotations?.["io.container.manager"]
  if (manager === "libpod") return "Podman"
  return manager === "cri-o" ? "CRI-O" : "containerd"
}

const criName = (marks: Readonly<Record<string, string>>): string => {
  try {
    return text((JSON.parse(marks["io.kubernetes.cri-o.Metadata"] ?? "{}") as { readonly name?: unknown }).name)
  } catch {
    return ""
  }
}

/** The first address of the first network. */
const addressesOf = (members: string): { readonly ip: string; readonly mac: string } => {
  try {
    const status = JSON.parse(fs.readFileSync(join(members, checkpointMembers.networkStatus.name), "utf8")) as Readonly<
      Record<string, { readonly interfaces?: Readonly<Record<string, NetworkInterface>> }>
    > | null
    const [first] = Object.values(status ?? {}).flatMap(({ interfaces }) => Object.values(interfaces ?? {}))
    return { ip: (first?.subnets?.[0]?.ipnet ?? "").replace(/\/\d+$/, ""), mac: first?.mac_address ?? "" }
  } catch {
    return { ip: "", mac: "" }
  }
}

interface NetworkInterface {
  readonly subnets?: ReadonlyArray<{ readonly ipnet?: string }>
  readonly mac_address?: string
}

export const labelsOf = ({ config, record }: View): Readonly<Record<string, string>> => {
  if (record !== undefined) return record.config.labels
  const { labels } = config
  return typeof labels === "object" && labels !== null
    ? Object.fromEntries(Object.entries(labels).map(([key, value]) => [key, String(value)]))
    : {}
}

export const volumesOf = ({
  config,
  record,
}: View): ReadonlyArray<{ readonly name: string; readonly destination: string }> => {
  if (record !== undefined) {
    return record.config.mounts.flatMap((mount) =>
      mount.type === "volume" ? [{ name: mount.name, destination: mount.destination }] : [],
    )
  }
  const volumes = Array.isArray(config["namedVolumes"]) ? (config["namedVolumes"] as ReadonlyArray<unknown>) : []
  return volumes.map((volume) => {
    const { dest, volumeName } = volume as { readonly dest?: unknown; readonly volumeName?: unknown }
    // the name is part of a path below
    return { name: text(volumeName).replaceAll("/", "_"), destination: text(dest) }
  })
}
