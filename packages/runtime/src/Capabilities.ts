/** Linux capabilities of a container (capabilities(7)). */
import type { ContainerConfig } from "./ContainerRecord.ts"

/** What Podman gives by default (containers-common, `containers.conf` default_capabilities). */
const standard = [
  "CAP_CHOWN",
  "CAP_DAC_OVERRIDE",
  "CAP_FOWNER",
  "CAP_FSETID",
  "CAP_KILL",
  "CAP_NET_BIND_SERVICE",
  "CAP_SETFCAP",
  "CAP_SETGID",
  "CAP_SETPCAP",
  "CAP_SETUID",
  "CAP_SYS_CHROOT",
]

/** All of Linux 5.9 and later, by number. */
const all = (
  "CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE " +
  "NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN " +
  "SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE " +
  "MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE"
)
  .split(" ")
  .map((name) => `CAP_${name}`)

/** `net_raw` and `CAP_NET_RAW` are the same; undefined for names nobody knows. */
export const capabilityName = (text: string): string | undefined => {
  const upper = text.toUpperCase()
  const name = upper.startsWith("CAP_") ? upper : `CAP_${upper}`
  return upper === "ALL" ? "ALL" : all.find((known) => known === name)
}

/** Capabilities that this process could not give away, because it has not got them itself. */
export const missingCapabilities = (bounding: bigint): ReadonlySet<string> =>
  new Set(all.filter((_, bit) => ((bounding >> BigInt(bit)) & 1n) === 0n))

export const capabilitiesOf = (
  config: Pick<ContainerConfig, "privileged" | "capAdd" | "capDrop">,
): ReadonlyArray<string> => {
  const wanted = new Set(config.privileged ? all : standard)
  const named = (names: ReadonlyArray<string>) =>
    names.flatMap((name) => (capabilityName(name) === "ALL" ? all : (capabilityName(name) ?? [])))
  for (const name of named(config.capDrop)) wanted.delete(name)
  for (const name of named(config.capAdd)) wanted.add(name)
  return all.filter((name) => wanted.has(name))
}
