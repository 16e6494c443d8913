/** The bundle of a container: what the runtime reads, and the files that the engine shows inside the container. */
import * as fs from "node:fs"
import { join } from "node:path"
import type { StorageFailed } from "@cryopod/entities"
import { attemptSync, type ContainerPaths, writeAtomic } from "@cryopod/host"
import { type ContainerConfig, criuConfiguration, engineFiles, type OciSpec, type RuntimeName } from "@cryopod/runtime"
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

/**
 * Write what the container finds as /etc/hosts and so on. The files are kept when they are there: a process may hold
 * one open across a checkpoint.
 */
export const writeEngineFiles = (
  paths: ContainerPaths,
  config: ContainerConfig,
  name: string,
): Effect.Effect<void, StorageFailed> =>
  attemptSync("write files of", paths.userdata, () => {
    const contents: Record<keyof typeof engineFiles, string> = {
      "/etc/hosts": hostsFile(config, name),
      "/etc/hostname": `${config.hostname}\n`,
      "/etc/resolv.conf": config.network === "none" ? "" : readOr("/etc/resolv.conf", ""),
      "/run/.containerenv": "",
    }
    for (const [destination, file] of Object.entries(engineFiles)) {
      const path = join(paths.userdata, file)
      if (!fs.existsSync(path))
        fs.writeFileSync(path, contents[destination as keyof typeof engineFiles], { mode: 0o644 })
    }
  })

const hostsFile = (config: ContainerConfig, name: string) =>
  config.network === "host"
    ? readOr("/etc/hosts", "127.0.0.1\tlocalhost\n")
    : `127.0.0.1\tlocalhost ${config.hostname} ${name}\n::1\tlocalhost\n`

const readOr = (path: string, otherwise: string) => {
  try {
    return fs.readFileSync(path, "utf8")
  } catch {
    return otherwise
  }
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
