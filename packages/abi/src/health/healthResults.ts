/** What health checks have found, in the container's directory (libpod's `healthcheck.log`). */
import * as fs from "node:fs"
import { beginningHealth, HealthResults } from "@cryopod/entities"
import { type ContainerPaths, writeAtomic } from "@cryopod/host"
import * as Schema from "effect/Schema"

const decode = Schema.decodeUnknownSync(Schema.fromJsonString(HealthResults))

/** Of a container that has a check. */
export const healthResults = (paths: ContainerPaths): HealthResults => {
  try {
    return decode(fs.readFileSync(paths.health, "utf8"))
  } catch {
    // nothing has been found yet
    return beginningHealth
  }
}

export const writeHealth = (paths: ContainerPaths, results: HealthResults) =>
  writeAtomic(paths.health, JSON.stringify(results))
