/** Rows of Podman's service in the words of ours: times in numbers, ports as texts. */
import type { ContainerSummary } from "@cryopod/entities"

/** libpod's PortMapping. */
interface PortMapping {
  readonly host_ip?: string
  readonly container_port: number
  readonly host_port: number
  readonly range?: number
  readonly protocol?: string
}

/** `0.0.0.0:8080->80/tcp`, as `ps` shows it. */
const portText = (port: PortMapping | string): string => {
  if (typeof port === "string") return port
  const { container_port: inside, host_ip: ip, host_port: outside, protocol, range = 1 } = port
  const span = (first: number) => (range > 1 ? `${first}-${first + range - 1}` : String(first))
  return `${ip || "0.0.0.0"}:${span(outside)}->${span(inside)}/${protocol || "tcp"}`
}

export const rowOf = (row: ContainerSummary): ContainerSummary => ({
  ...row,
  CreatedUnix: row.CreatedUnix || Math.floor(Date.parse(row.Created) / 1000),
  CreatedAt: row.CreatedAt || row.Created,
  Ports: row.Ports.map(portText),
})
