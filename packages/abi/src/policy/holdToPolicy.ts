/**
 * A checkpoint from elsewhere is held against the policy, before anything is made of it.
 *
 * What this engine made on this host comes back as it left, whatever it was given then; its digest says so.
 */
import * as fs from "node:fs"
import { join } from "node:path"
import {
  type ArchiveInvalid,
  CheckpointInvalid,
  RestoreRefused,
  type RestorePolicyChoice,
  type StorageFailed,
} from "@cryopod/entities"
import { checkpointMembers } from "@cryopod/checkpoint"
import { storageFailure } from "@cryopod/host"
import * as Effect from "effect/Effect"
import type { OpenedCheckpoint } from "../restore/open.ts"
import { archivedDevices } from "./archivedDevices.ts"
import { differences } from "./differences.ts"
import { ImageUnreadable, readImageClaims } from "./imageClaims.ts"

export const heldToPolicy = (
  { origin }: Pick<OpenedCheckpoint, "origin">,
  { policy }: { readonly policy: RestorePolicyChoice },
): boolean => origin !== "here" && policy !== "none"

export interface HeldBy {
  /** Types of the namespaces that the container shares with the pod that it is restored into. */
  readonly joined: ReadonlyArray<string>
  /** Where the caller mounts something of this host in place of what the checkpoint has. */
  readonly replaced: ReadonlyArray<string>
}

export const holdToPolicy = Effect.fn("restore.policy")(function* (
  opened: OpenedCheckpoint,
  policy: RestorePolicyChoice,
  { joined, replaced }: HeldBy,
): Effect.fn.Return<void, RestoreRefused | CheckpointInvalid | ArchiveInvalid | StorageFailed> {
  if (!heldToPolicy(opened, { policy }) || policy === "none") return
  const { config, members, source, spec } = opened
  const directory = join(members, checkpointMembers.images.name)
  const images = yield* Effect.try({
    try: () => readImageClaims(directory),
    catch: (cause) => readFailure(cause, source, directory),
  })
  const found = differences(
    {
      spec,
      images,
      volumes: [...(config.namedVolumes ?? []).map(({ dest }) => dest), ...replaced],
      joined,
      archivedDevices: yield* archivedDevices(opened, images.memoryArchives),
      kernelHas: fs.existsSync,
    },
    policy,
  )
  if (found.length > 0) return yield* new RestoreRefused({ source, differences: found })
})

const readFailure = (cause: unknown, source: string, directory: string): CheckpointInvalid | StorageFailed => {
  if (cause instanceof ImageUnreadable) {
    const member = `${checkpointMembers.images.name}/${cause.file}`
    return new CheckpointInvalid({ source, member, problem: cause.message })
  }
  return storageFailure("read", directory)(cause)
}
