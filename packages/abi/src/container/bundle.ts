/** The bundle of a container: what the runtime reads, and the files that the engine shows inside the container. */
import * as fs from "node:fs"
import { join } from "node:path"
import type { StorageFailed, RuntimeName } from "@cryopod/entities"
import { attemptSync, type ContainerPaths, writeAtomic } from "@cryopod/host"
import { type ContainerConfig, criuConfiguration, type OciSpec } from "@cryopod/runtime"
import type * as Effect from "effect/Effect"

/** Make the directories of a new container. */
export const makeContainerDirectories = (paths: ContainerPaths): Effect.Effect<void, StorageFailed> =>
  attemptSync("make directories of", paths.directory, () => {
    fs.mkdirSync(paths.userdata, { recursive: true, mode: 0o700 })
  })

export const writeSpec = (paths: ContainerPaths, spec: OciSpec): Effect.Effect<void, StorageFailed> =>
  writeAtomic(paths.config, JSON.stringify(spec))

export const readSpec = (paths: ContainerPaths): Effect.Effect<OciSpec, StorageFailed> =>
  attemptSync("read", paths.config, () => JSON.parse(fs.readFileSync(paths.config, "utf8")) as OciSpec)

/** Write what the container finds as /etc/hostname and so on, as far as it is not there. */
export const writeEngineFiles = (paths: ContainerPaths, config: ContainerConfig): Effect.Effect<void, StorageFailed> =>
  attemptSync("write files of", paths.userdata, () => {
    writeOnce(join(paths.userdata, "hostname"), `${config.hostname}\n`)
    writeOnce(join(paths.userdata, ".containerenv"), "")
  })

const writeOnce = (path: string, content: string): void => {
  if (!fs.existsSync(path)) fs.writeFileSync(path, content, { mode: 0o644 })
}

/** What CRIU is told about this container; read through an annotation of the spec. */
export const writeCriuConfiguration = (
  paths: ContainerPaths,
  runtime: RuntimeName,
  options: Parameters<typeof criuConfiguration>[1],
): Effect.Effect<void, StorageFailed> =>
  attemptSync("write", paths.criuConfig, () =>
    fs.writeFileSync(paths.criuConfig, criuConfiguration(runtime, options), { mode: 0o600 }),
  )
