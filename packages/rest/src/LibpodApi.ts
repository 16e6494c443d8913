/** The libpod REST API, as far as this project has it: one declaration for the service, the client and the reference. */
import * as OpenApi from "effect/http-api/OpenApi"
import { libpodApi, libpodRoutes } from "./libpodRoutes.ts"
import { readable } from "./OpenApiDocument.ts"

const { checkpoints, containers, exec, images, networks, pods, system, volumes } = libpodRoutes

const api = libpodApi([
  system.whole(),
  containers.whole(),
  checkpoints.whole(),
  exec.whole(),
  images.whole(),
  volumes.whole(),
  networks.whole(),
  pods.whole(),
])

export const LibpodApi = api.annotateMerge(
  OpenApi.annotations({
    title: "libpod REST API",
    version: "5.4.2",
    description:
      "Containers, checkpoints, images, volumes, networks and pods, as Podman's service offers them. Every path is reached with the version of the API in front of it, too: /v5.4.2/libpod/info.",
    license: { name: "Apache-2.0" },
    transform: readable(api),
  }),
)
