/** The libpod REST API, as far as this project has it: one declaration for the service, the client and the reference. */
import * as HttpApi from "effect/http-api/HttpApi"
import * as OpenApi from "effect/http-api/OpenApi"
import { Libpod } from "./Libpod.ts"
import { readable } from "./OpenApiDocument.ts"
import { checkpoints } from "./routes/CheckpointRoutes.ts"
import { containers } from "./routes/ContainerRoutes.ts"
import { exec } from "./routes/ExecRoutes.ts"
import { images } from "./routes/ImageRoutes.ts"
import { networks } from "./routes/NetworkRoutes.ts"
import { pods } from "./routes/PodRoutes.ts"
import { system } from "./routes/SystemRoutes.ts"
import { volumes } from "./routes/VolumeRoutes.ts"

const api = HttpApi.make("libpod")
  .add(system, containers, checkpoints, exec, images, volumes, networks, pods)
  .middleware(Libpod)

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
