/** Everything about one image, in libpod's words (`libpod/define`, ImageData). */
import type { ImageFailure, ImageInspect } from "@cryopod/entities"
import { ImageStore } from "@cryopod/images"
import * as Effect from "effect/Effect"
import { repoDigestsOf, repoTagsOf } from "./list.ts"

export const inspectImage = Effect.fn("inspectImage")(function* (
  ref: string,
): Effect.fn.Return<ImageInspect, ImageFailure, ImageStore> {
  const store = yield* ImageStore
  const image = yield* store.resolve(ref)
  const config = yield* store.config(image)
  const last = config.history?.at(-1)
  return {
    Id: image.id,
    Digest: image.manifestDigest,
    RepoTags: repoTagsOf(image),
    RepoDigests: repoDigestsOf(image),
    Parent: "",
    Comment: config.comment ?? last?.comment ?? "",
    Created: image.created,
    Config: config.config ?? {},
    Version: config.docker_version ?? "",
    Author: config.author ?? "",
    Architecture: image.architecture,
    Os: image.os,
    Size: image.sizeBytes,
    VirtualSize: image.sizeBytes,
    GraphDriver: { Name: "overlay", Data: {} },
    RootFS: { Type: config.rootfs.type ?? "layers", Layers: image.layers.map((layer) => layer.diffId) },
    Labels: config.config?.Labels ?? null,
    Annotations: image.annotations,
    ManifestType: image.manifestType,
    User: config.config?.User ?? "",
    History: config.history ?? [],
    NamesHistory: image.names,
  }
})
