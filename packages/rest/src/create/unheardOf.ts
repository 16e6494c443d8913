/** Fields of a SpecGenerator that nobody reads here, and the values with which they ask for nothing. */
import { networkFields } from "./networks.ts"

/** Values that clients send although nobody asked for them (podman 5.4 `run` without options). */
const harmless: Readonly<Record<string, (value: unknown) => boolean>> = {
  // the service's own proxies would be passed on; this one has none to pass
  httpproxy: (value) => typeof value === "boolean",
  idmappings: (value) => isEmpty({ ...(value as object), HostUIDMapping: false, HostGIDMapping: false }),
  // a hint to the storage about what need not be kept
  volatile: (value) => typeof value === "boolean",
  init_container_type: isEmpty,
  systemd: (value) => value === "true" || value === "false" || value === "",
  sdnotifyMode: (value) => value === "container" || value === "",
  seccomp_policy: (value) => value === "default" || value === "",
  log_configuration: (value) => isEmpty(value) || isStandardLog(value),
  healthLogDestination: (value) => value === "local" || value === "",
  healthMaxLogCount: isNumber,
  healthMaxLogSize: isNumber,
  health_check_on_failure_action: isNumber,
  manage_password: (value) => value === true,
  umask: (value) => value === "0022" || value === "022" || value === "",
  unsetenvall: (value) => value === false,
  use_image_hostname: (value) => value === false,
  cgroups_mode: (value) => value === "enabled" || value === "",
  resource_limits: isEmpty,
}

/** Namespaces that nobody can choose here. */
const namespaces: Readonly<Record<string, ReadonlyArray<string>>> = {
  userns: ["", "default", "host"],
  cgroupns: ["", "default", "private", "host"],
}

/** Fields that `networks.ts` reads. */
const readOfNetworks = Object.keys(networkFields)

/** Fields that `createOptions.ts` reads. */
export const readOfContainers: ReadonlySet<string> = new Set([
  "name",
  "image",
  "raw_image_name",
  "command",
  "entrypoint",
  "env",
  "labels",
  "annotations",
  "terminal",
  "stdin",
  "remove",
  "stop_signal",
  "stop_timeout",
  "restart_policy",
  "restart_tries",
  "healthconfig",
  "hostname",
  "user",
  "work_dir",
  "privileged",
  "read_only_filesystem",
  "read_write_tmpfs",
  "image_volume_mode",
  "cap_add",
  "cap_drop",
  "shm_size",
  "r_limits",
  ...readOfNetworks,
  "publish_image_ports",
  "pidns",
  "ipcns",
  "utsns",
  "pod",
  "containerCreateCommand",
  "oci_runtime",
  "cryopod",
])

/** Fields that `podOptions.ts` reads. */
export const readOfPods: ReadonlySet<string> = new Set([
  "name",
  "hostname",
  "exit_policy",
  "labels",
  "no_infra",
  "infra_command",
  "infra_image",
  "infra_name",
  "shared_namespaces",
  "share_parent",
  "pod_create_command",
  ...readOfNetworks,
  "shm_size",
  "cryopod",
])

/** The first field that asks for something that would be lost, in words; `what` it is asked for. */
export const unheardOf = (
  spec: Readonly<Record<string, unknown>>,
  read: ReadonlySet<string>,
  what: "container" | "pod",
): string | undefined => {
  for (const [field, value] of Object.entries(spec)) {
    if (read.has(field) || isEmpty(value)) continue
    const modes = namespaces[field]
    if (modes !== undefined) {
      const mode = modeOf(value)
      if (modes.includes(mode)) continue
      return `${field} ${JSON.stringify(mode)} of a ${what}`
    }
    if (harmless[field]?.(value) !== true) return `${field} of a ${what}`
  }
  return undefined
}

const modeOf = (value: unknown): string => {
  const mode = typeof value === "object" && value !== null && "nsmode" in value ? value.nsmode : undefined
  return typeof mode === "string" ? mode : ""
}

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null || value === "" || value === false || value === 0) return true
  return typeof value === "object" && Object.values(value).every(isEmpty)
}

function isNumber(value: unknown): boolean {
  return typeof value === "number"
}

const isStandardLog = (value: unknown): boolean =>
  typeof value === "object" &&
  value !== null &&
  "driver" in value &&
  (value.driver === "k8s-file" || value.driver === "") &&
  Object.entries(value).every(([field, inner]) => field === "driver" || isEmpty(inner))
