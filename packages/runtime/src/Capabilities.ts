/** Linux capabilities of a container (capabilities(7)). */
import { capabilityName, capabilityNames } from "@cryopod/entities"
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

/** Capabilities that this process could not give away, because it has not got them itself. */
export const missingCapabilities = (bounding: bigint): ReadonlySet<string> =>
  new Set(capabilityNames.filter((_, bit) => ((bounding >> BigInt(bit)) & 1n) === 0n))

export const capabilitiesOf = (
  config: Pick<ContainerConfig, "privileged" | "capAdd" | "capDrop">,
): ReadonlyArray<string> => {
  const wanted = new Set(config.privileged ? capabilityNames : standard)
  const named = (names: ReadonlyArray<string>) =>
    names.flatMap((name) => (capabilityName(name) === "ALL" ? capabilityNames : (capabilityName(name) ?? [])))
  for (const name of named(config.capDrop)) wanted.delete(name)
  for (const name of named(config.capAdd)) wanted.add(name)
  return capabilityNames.filter((name) => wanted.has(name))
}
