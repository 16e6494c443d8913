/** `diff`: what a container has changed in its root filesystem. */
import { rootfsChanges } from "@cryopod/checkpoint"
import type { PathChange } from "@cryopod/entities"
import { Layout } from "@cryopod/host"
import { RootFilesystems } from "@cryopod/images"
import type { ContainerRecord } from "@cryopod/runtime"
import * as Effect from "effect/Effect"
import * as fs from "node:fs"

export const diff = Effect.fn("Container.diff")(function* (record: ContainerRecord) {
  const { merged, upper } = (yield* Layout).container(record.id)
  if (!fs.existsSync(upper)) return [] as ReadonlyArray<PathChange>
  const lower = yield* (yield* RootFilesystems).unpacked(record.config.imageId)
  return yield* rootfsChanges({ upper, lower, merged })
})
