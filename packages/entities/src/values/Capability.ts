/** Linux capabilities by name (capabilities(7)). */
import * as Result from "effect/Result"
import { ContainerOptionInvalid } from "../failures/ContainerFailures.ts"

/** All of Linux 5.9 and later, by number. */
export const capabilityNames: ReadonlyArray<string> = (
  "CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE " +
  "NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN " +
  "SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE " +
  "MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE"
)
  .split(" ")
  .map((name) => `CAP_${name}`)

/** What Podman gives by default (containers-common, `containers.conf` default_capabilities). */
export const standardCapabilities: ReadonlyArray<string> = [
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

/** `net_raw` and `CAP_NET_RAW` are the same; undefined for names nobody knows. */
export const capabilityName = (text: string): string | undefined => {
  const name = wholeName(text)
  return name === "ALL" || capabilityNames.includes(name) ? name : undefined
}

const wholeName = (text: string): string => {
  const upper = text.toUpperCase()
  return upper === "ALL" || upper.startsWith("CAP_") ? upper : `CAP_${upper}`
}

/** The same names, all of which somebody knows. */
export const knownCapabilities = (
  names: ReadonlyArray<string>,
): Result.Result<ReadonlyArray<string>, ContainerOptionInvalid> => {
  const unknown = names.find((name) => capabilityName(name) === undefined)
  return unknown === undefined
    ? Result.succeed(names)
    : Result.fail(new ContainerOptionInvalid({ problem: "capability", value: wholeName(unknown) }))
}
