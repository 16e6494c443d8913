/** Linux capabilities of a container (capabilities(7)). */
import { capabilityName, capabilityNames, standardCapabilities } from "@cryopod/entities"
import type { ContainerConfig } from "./ContainerRecord.ts"

/** Capabilities that this process could not give away, because it has not got them itself. */
export const missingCapabilities = (bounding: bigint): ReadonlySet<string> =>
  new Set(capabilityNames.filter((_, bit) => ((bounding >> BigInt(bit)) & 1n) === 0n))

export const capabilitiesOf = (
  config: Pick<ContainerConfig, "privileged" | "capAdd" | "capDrop">,
): ReadonlyArray<string> => {
  const wanted = new Set(config.privileged ? capabilityNames : standardCapabilities)
  const named = (names: ReadonlyArray<string>) =>
    names.flatMap((name) => (capabilityName(name) === "ALL" ? capabilityNames : (capabilityName(name) ?? [])))
  for (const name of named(config.capDrop)) wanted.delete(name)
  for (const name of named(config.capAdd)) wanted.add(name)
  return capabilityNames.filter((name) => wanted.has(name))
}
