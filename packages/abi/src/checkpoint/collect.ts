/**
 * Take the files that belong to the dump, while nothing moves.
 *
 * /dev/shm lives in memory on the host and is kept with the container in any case. For an image, everything that the
 * container has of its own is put together in a staging directory; CRIU's files get a second name there, no byte of
 * them is copied.
 */
import * as fs from "node:fs"
import { join } from "node:path"
import { checkpointMembers, packDirectory, scanRootfs } from "@cryopod/checkpoint"
import type { HostFailure, ImageFailure } from "@cryopod/entities"
import { attempt, attemptSync, linkTree, makeDirectory } from "@cryopod/host"
import { RootFilesystems } from "@cryopod/images"
import type { ContainerRecord } from "@cryopod/runtime"
import * as Effect from "effect/Effect"
import { readSpec } from "../container/bundle.ts"
import type { AllServices } from "../EngineServices.ts"
import { libpodDocument, portableSpec } from "./libpodDocument.ts"
import type { Plan } from "./preflight.ts"

/** The complete members of a checkpoint image, or nothing when the checkpoint stays with the container. */
export type Collected = string | undefined

export const collect = Effect.fn("checkpoint.collect")(function* (
  plan: Plan,
): Effect.fn.Return<Collected, HostFailure | ImageFailure, AllServices> {
  const { image, paths, record } = plan
  const shm = join(paths.userdata, checkpointMembers.shm.name)
  yield* packDirectory({ directory: paths.shm, archive: shm })
  if (image === undefined) return undefined

  const members = join(image.area, "members")
  yield* makeDirectory(members)
  const member = (name: string) => join(members, name)
  yield* linkTree(paths.checkpoint, member(checkpointMembers.images.name))
  yield* attempt("copy into", members, async () => {
    await fs.promises.copyFile(shm, member(checkpointMembers.shm.name))
    for (const [from, name] of [
      [paths.log, checkpointMembers.log.name],
      [join(paths.userdata, checkpointMembers.dumpStatistics.name), checkpointMembers.dumpStatistics.name],
    ] as const) {
      if (fs.existsSync(from)) await fs.promises.copyFile(from, member(name), fs.constants.COPYFILE_FICLONE)
    }
  })
  yield* collectRootfs(record, paths.upper, members)
  const spec = portableSpec(yield* readSpec(paths))
  yield* attemptSync("write into", members, () => {
    const write = (name: string, document: unknown) =>
      fs.writeFileSync(member(name), JSON.stringify(document, undefined, 2), { mode: 0o600 })
    write(checkpointMembers.spec.name, spec)
    write(checkpointMembers.config.name, libpodDocument(record, spec))
    write(checkpointMembers.networkStatus.name, null)
  })
  return members
})

const collectRootfs = Effect.fnUntraced(function* (record: ContainerRecord, upper: string, members: string) {
  const lower = yield* (yield* RootFilesystems).unpacked(record.config.imageId)
  const { archived, deleted } = yield* scanRootfs(upper, lower)
  if (archived.length > 0) {
    yield* packDirectory({
      directory: upper,
      archive: join(members, checkpointMembers.rootfsDiff.name),
      paths: archived,
    })
  }
  if (deleted.length > 0) {
    const list = join(members, checkpointMembers.deletedFiles.name)
    yield* attemptSync("write", list, () =>
      fs.writeFileSync(list, JSON.stringify(deleted, undefined, 2), { mode: 0o600 }),
    )
  }
})
