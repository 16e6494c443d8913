/** Linux capabilities of a container (capabilities(7)). */
import { readFileSync } from "node:fs"
import { capabilityName, capabilityNames, type Identity, standardCapabilities } from "@cryopod/entities"
import type { ContainerConfig } from "./ContainerRecord.ts"
import type { OciCapabilities } from "./OciSpec.ts"

/** Capabilities that this process can give away: it may not have all of them itself. */
export const heldCapabilities = (status: string = readFileSync("/proc/self/status", "utf8")): ReadonlySet<string> => {
  const bounding = BigInt(`0x${/^CapBnd:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? "0"}`)
  return new Set(capabilityNames.filter((_, bit) => ((bounding >> BigInt(bit)) & 1n) === 1n))
}

type Wishes = Pick<ContainerConfig, "privileged" | "capAdd" | "capDrop">

/** What a container may have at most. All that there are means all that are `held`; one that is asked for by name stays. */
export const capabilitiesOf = (config: Wishes, held: ReadonlySet<string>): ReadonlyArray<string> => {
  const wanted = new Set(config.privileged ? held : standardCapabilities)
  for (const name of named(config.capDrop, capabilityNames)) wanted.delete(name)
  for (const name of named(config.capAdd, [...held])) wanted.add(name)
  return capabilityNames.filter((name) => wanted.has(name))
}

/**
 * Root has all that the container may have; others what was asked for by name, which ambient capabilities bring them
 * through an execve(2) (Podman `pkg/specgen/generate/security_linux.go`).
 */
export const capabilitySets = (
  config: Wishes,
  { uid }: Pick<Identity, "uid">,
  held: ReadonlySet<string>,
): OciCapabilities => {
  const bounding = capabilitiesOf(config, held)
  if (uid === 0) return { bounding, effective: bounding, permitted: bounding }
  const added = new Set(named(config.capAdd, [...held]))
  const own = bounding.filter((name) => added.has(name))
  return { bounding, effective: own, permitted: own, inheritable: own, ambient: own }
}

const named = (names: ReadonlyArray<string>, all: ReadonlyArray<string>) =>
  names.flatMap((name) => (capabilityName(name) === "ALL" ? all : (capabilityName(name) ?? [])))
