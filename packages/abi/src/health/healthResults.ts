/** What health checks have found, in the container's directory (libpod's `healthcheck.log`). */
import * as fs from "node:fs"
import { beginningHealth, HealthResults, noHealth } from "@cryopod/entities"
import { type ContainerPaths, writeAtomic } from "@cryopod/host"
import type { ContainerConfig } from "@cryopod/runtime"
import * as Schema from "effect/Schema"

const decode = Schema.decodeUnknownSync(Schema.fromJsonString(HealthResults))

export const healthResults = (paths: ContainerPaths, { health }: Pick<ContainerConfig, "health">): HealthResults => {
  if (health === undefined) return noHealth
  try {
    return decode(fs.readFileSync(paths.health, "utf8"))
  } catch {
    // nothing has been found yet
    return beginningHealth
  }
}

export const writeHealth = (paths: ContainerPaths, results: HealthResults) =>
  writeAtomic(paths.health, JSON.stringify(results))
