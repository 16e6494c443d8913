/**
 * The image of infra containers: one static program that waits, and takes in the processes that others of the pod leave
 * behind where they share a PID namespace (catatonit, as Podman has it).
 *
 * It is made from this machine's own catatonit when a pod first needs it, and is an image like any other afterwards.
 */
import * as fs from "node:fs"
import { join } from "node:path"
import { packDirectory } from "@cryopod/checkpoint"
import type { ImageFailure } from "@cryopod/entities"
import { attempt, copyFile, holdLock, Layout, makeDirectory, Tools } from "@cryopod/host"
import { importImage, ImageStore } from "@cryopod/images"
import * as Effect from "effect/Effect"
import { type AllServices, EngineDefaults } from "../EngineServices.ts"

/** Name of the image, made if it is not there. */
export const pauseImage: Effect.Effect<string, ImageFailure, AllServices> = Effect.gen(function* () {
  const { engineVersion } = yield* EngineDefaults
  const name = `localhost/cryopod-pause:${engineVersion}`
  const store = yield* ImageStore
  const found = store.resolve(name).pipe(
    Effect.as(name),
    Effect.catchTag("ImageNotFound", () => Effect.succeed(undefined)),
  )
  // of several commands one makes it, the others wait for it
  yield* holdLock(join((yield* Layout).locks, "pause-image"))
  const already = yield* found
  if (already !== undefined) return already
  const program = yield* (yield* Tools).path("catatonit")
  const area = yield* store.area
  const root = join(area, "root")
  yield* makeDirectory(root, 0o755)
  yield* attempt("copy", program, async () => {
    await copyFile(program, join(root, "catatonit"))
    await fs.promises.chmod(join(root, "catatonit"), 0o755)
  })
  const archive = join(area, "root.tar")
  yield* packDirectory({ directory: root, archive })
  yield* importImage(
    { _tag: "File", path: archive },
    { names: [name], changes: ['ENTRYPOINT ["/catatonit", "-P"]'], message: "waits for the end of a pod" },
  )
  return name
}).pipe(Effect.scoped, Effect.withSpan("pod.pauseImage"))
