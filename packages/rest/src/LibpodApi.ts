/** The libpod REST API, as far as this project has it: one declaration for the service, the client and the reference. */
import * as HttpApi from "effect/http-api/HttpApi"
import { Libpod } from "./Libpod.ts"
import { checkpoints } from "./routes/CheckpointRoutes.ts"
import { containers } from "./routes/ContainerRoutes.ts"
import { exec } from "./routes/ExecRoutes.ts"
import { images } from "./routes/ImageRoutes.ts"
import { networks } from "./routes/NetworkRoutes.ts"
import { pods } from "./routes/PodRoutes.ts"
import { system } from "./routes/SystemRoutes.ts"
import { volumes } from "./routes/VolumeRoutes.ts"

export const LibpodApi = HttpApi.make("libpod")
  .add(system, containers, checkpoints, exec, images, volumes, networks, pods)
  .middleware(Libpod)
