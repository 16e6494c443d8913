/** Devices in the archives of a checkpoint: changed files, volumes, shared memory, file systems that lay in memory. */
import { join } from "node:path"
import { archiveInvalid, decompressed, printable, readTar } from "@cryopod/archive"
import { checkpointMembers, tarEntries } from "@cryopod/checkpoint"
import { ArchiveInvalid, type StorageFailed } from "@cryopod/entities"
import { attemptSync, openInput } from "@cryopod/host"
import * as Effect from "effect/Effect"
import { innerArchives } from "../restore/innerArchives.ts"
import type { OpenedCheckpoint } from "../restore/open.ts"
import { isStandardDevice, standardNumbers } from "./imageClaims.ts"

/** `ARCHIVE: PATH` of each; what every container has in /dev is none. */
export const archivedDevices = Effect.fn("restore.archivedDevices")(function* (
  { members }: Pick<OpenedCheckpoint, "members">,
  memoryArchives: ReadonlyArray<string>,
): Effect.fn.Return<ReadonlyArray<string>, ArchiveInvalid | StorageFailed> {
  const found: Array<string> = []
  const plain = yield* attemptSync("look at", members, () => innerArchives(members))
  for (const name of plain) {
    found.push(
      ...(yield* Effect.try({
        try: () =>
          [...tarEntries(join(members, name))]
            .filter(({ type }) => isDevice(type))
            .map((entry) => `${name}: ${entry.name}`),
        catch: (cause) => new ArchiveInvalid({ archive: name, problem: (cause as Error).message }),
      })),
    )
  }
  for (const name of memoryArchives) {
    const path = join(checkpointMembers.images.name, name)
    const devices = yield* Effect.scoped(
      Effect.flatMap(openInput(join(members, path)), (input) =>
        Effect.tryPromise({
          try: () => compressedDevices(input),
          catch: (cause) => archiveInvalid(path, cause),
        }),
      ),
    )
    found.push(...devices.map((device) => `${path}: ${device}`))
  }
  return found
})

const isDevice = (type: string): boolean => type === "character-device" || type === "block-device"

/** CRIU has one archive for each file system; that of /dev has the devices of every container. */
const compressedDevices = async (input: AsyncIterable<Uint8Array>): Promise<ReadonlyArray<string>> => {
  const found: Array<string> = []
  for await (const { device, name, type } of readTar(decompressed(input))) {
    if (!isDevice(type)) continue
    const path = `/${printable(name).replace(/^(?:\.?\/)+/, "")}`
    const isKnown = isStandardDevice(`/dev${path}`) && standardNumbers.has(`${device.major}:${device.minor}`)
    if (!isKnown || type === "block-device") found.push(`${path} (${device.major}:${device.minor})`)
  }
  return found
}
