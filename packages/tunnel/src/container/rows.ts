/** Rows of Podman's service in the words of ours: times in numbers, and nothing left out of ports. */
import type { ContainerSummary, PortMapping } from "@cryopod/entities"

/** What Podman leaves out of a row; a list of nothing is null. */
type PodmanRow = Omit<ContainerSummary, "Ports" | "ExposedPorts"> & {
  readonly Ports?: ReadonlyArray<Partial<PortMapping>> | null
  readonly ExposedPorts?: ContainerSummary["ExposedPorts"] | null
}

const portOf = (port: Partial<PortMapping>): PortMapping => ({
  host_ip: port.host_ip ?? "",
  container_port: port.container_port ?? 0,
  host_port: port.host_port ?? 0,
  range: port.range ?? 1,
  protocol: port.protocol ?? "tcp",
})

export const rowOf = (row: PodmanRow): ContainerSummary => ({
  ...row,
  CreatedUnix: row.CreatedUnix || Math.floor(Date.parse(row.Created) / 1000),
  CreatedAt: row.CreatedAt || row.Created,
  Ports: (row.Ports ?? []).map(portOf),
  ExposedPorts: row.ExposedPorts ?? {},
})
