/**
 * Checkpoint images whose digest is still to be taken.
 *
 * An image is named by the digest of its content, and reading the memory for it takes as long as writing it did. So a big
 * checkpoint is handed over first: its files get a place in ROOT/layers/pending/<token>, and a row of the database says what
 * they are. From then on it is the store's. Whoever needs an image that may be this one makes it of that: reads the
 * files once and takes them in as `insert` does. The same transaction that records the image forgets the row, and the files
 * keep their place until then: wherever that is broken off, the next one begins anew.
 */
import * as fs from "node:fs"
import { join } from "node:path"
import type { ImageInvalid } from "@cryopod/entities"
import {
  attemptSync,
  dropLock,
  type DatabaseShape,
  holdLock,
  type LayoutShape,
  linkTree,
  makeDirectory,
  type Prepare,
  removeTree,
  syncDirectory,
} from "@cryopod/host"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import { nanoid } from "nanoid/non-secure"
import { type CheckpointDescription, digested } from "./CheckpointDocuments.ts"
import type { NewImage, StoreFailure } from "./ImageStore.ts"
import type { StoredImage } from "./ImageTables.ts"

export const pendingTables = `
create table if not exists pending_images (
  sequence integer primary key,
  token text not null unique,
  description text not null
) strict`

export interface PendingImage extends CheckpointDescription {
  /** The last part of its directory's name. */
  readonly token: string
}

/** An image that could not be made; its files wait for the next one who asks. */
export interface Unfinished {
  readonly image: PendingImage
  readonly failure: StoreFailure
}

export interface PendingImages {
  /** In the order in which they came. */
  readonly list: Effect.Effect<ReadonlyArray<PendingImage>, StoreFailure>
  /** Take over a directory, which is where it was on a failure. Durable on success, but for the content of the files. */
  readonly add: (directory: string, description: CheckpointDescription) => Effect.Effect<void, StoreFailure>
  /** Make images of all, or of those that get one of these names. */
  readonly finish: (names?: ReadonlyArray<string>) => Effect.Effect<ReadonlyArray<Unfinished>, StoreFailure>
}

/** What the store does for them. */
export interface PendingIntake {
  readonly layout: LayoutShape
  readonly database: DatabaseShape
  readonly locked: <A, E>(work: Effect.Effect<A, E>) => Effect.Effect<A, E | StoreFailure>
  readonly area: Effect.Effect<string, StoreFailure, Scope.Scope>
  /** `recorded` belongs to the transaction that records the image. */
  readonly insert: (
    image: NewImage,
    recorded: (prepare: Prepare) => void,
  ) => Effect.Effect<StoredImage, ImageInvalid | StoreFailure>
}

export const pendingDirectory = ({ layers }: LayoutShape): string => join(layers, "pending")

export const selectPending = (prepare: Prepare): ReadonlyArray<PendingImage> =>
  prepare("select token, description from pending_images order by sequence")
    .all()
    .map(({ description, token }) => ({
      ...(JSON.parse(String(description)) as CheckpointDescription),
      token: String(token),
    }))

export const pendingImages = ({ area, database, insert, layout, locked }: PendingIntake): PendingImages => {
  const directory = pendingDirectory(layout)
  const list = database.read(selectPending)

  const make = Effect.fnUntraced(function* (image: PendingImage) {
    // one of several takes the digest, the others wait for it
    const lock = join(layout.locks, `pending-${image.token}`)
    yield* holdLock(lock)
    const waits = (yield* list).some(({ token }) => token === image.token)
    if (!waits) return
    const source = join(directory, image.token)
    const { layer, ...documents } = yield* digested(source, image)
    // under a second name: until the image is recorded, the first is the only one that is known
    const unpacked = join(yield* area, "layer")
    yield* linkTree(source, unpacked)
    yield* insert(
      { ...documents, blobs: [], names: [image.name], unpacked: { diffId: layer.digest, directory: unpacked } },
      (prepare) => void prepare("delete from pending_images where token = ?").run(image.token),
    ).pipe(Effect.catchTag("ImageInvalid", Effect.die))
    // whoever changes the store next removes it otherwise
    yield* Effect.ignore(removeTree(source))
    yield* dropLock(lock)
  }, Effect.scoped)

  return {
    list,
    add: Effect.fn("ImageStore.addPending")(function* (from: string, description: CheckpointDescription) {
      const token = nanoid()
      const to = join(directory, token)
      yield* makeDirectory(directory)
      yield* locked(
        attemptSync("move", to, () => fs.renameSync(from, to)).pipe(
          Effect.andThen(syncDirectory(directory)),
          Effect.andThen(
            database.write((prepare) =>
              prepare("insert into pending_images (token, description) values (?, ?)").run(
                token,
                JSON.stringify(description),
              ),
            ),
          ),
          Effect.onError(() => Effect.ignore(attemptSync("move back", from, () => fs.renameSync(to, from)))),
          Effect.uninterruptible,
        ),
      )
    }),
    finish: Effect.fn("ImageStore.finishPending")(function* (names?: ReadonlyArray<string>) {
      const unfinished: Array<Unfinished> = []
      for (const image of yield* list) {
        if (names !== undefined && !names.includes(image.name)) continue
        const made = yield* Effect.result(make(image))
        if (Result.isFailure(made)) unfinished.push({ image, failure: made.failure })
      }
      return unfinished
    }),
  }
}
