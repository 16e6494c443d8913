/** The routes of the libpod REST API, as far as this project has it, by their groups. */
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

export const libpodRoutes = { system, containers, checkpoints, exec, images, volumes, networks, pods }

type Groups = typeof libpodRoutes

/** An API of some of the groups. */
export const libpodApi = <const Some extends ReadonlyArray<ReturnType<Groups[keyof Groups]["whole" | "only"]>>>(
  groups: Some,
) =>
  HttpApi.make("libpod")
    .add(...(groups as never as readonly [Some[number]]))
    .middleware(Libpod)
