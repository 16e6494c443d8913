/** Archives of files inside a checkpoint, which a restore writes out: changed files, shared memory, volumes. */
import * as fs from "node:fs"
import { join } from "node:path"
import { checkpointMembers } from "@cryopod/checkpoint"

/** Those that are there, by their paths among the members. Throws what reading a directory throws. */
export const innerArchives = (members: string): ReadonlyArray<string> => {
  const { rootfsDiff, shm, volumes } = checkpointMembers
  const inVolumes = join(members, volumes.name)
  const names = fs.existsSync(inVolumes) ? fs.readdirSync(inVolumes).map((name) => join(volumes.name, name)) : []
  return [rootfsDiff.name, shm.name, ...names].filter((name) => fs.existsSync(join(members, name)))
}
