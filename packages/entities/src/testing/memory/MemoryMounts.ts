/** What containers in memory mount: volumes, memory of their own, and directories of the host, which are trees in memory too. */
import * as fs from "node:fs"
import * as Effect from "effect/Effect"
import type { ContainerAmbiguous } from "../../failures/ContainerFailures.ts"
import { BindSourceMissing, MountInvalid, VolumesOwnerMissing } from "../../failures/MountFailures.ts"
import { VolumeNameInvalid } from "../../failures/VolumeFailures.ts"
import type { CreateOptions } from "../../options/CreateOptions.ts"
import { isContainerName } from "../../values/ContainerName.ts"
import { completeMountOptions, type ContainerMount, isReadOnlyMount } from "../../values/ContainerMount.ts"
import { requestedMounts } from "../../values/RequestedMounts.ts"
import { type Files, parentOf } from "./Files.ts"
import { findContainer, instant, type MemoryContainer, type MemoryHost, type MemoryImage, newId } from "./MemoryHost.ts"
import type { MemoryVolume } from "./MemoryVolumes.ts"

/** A tree that stands in the place of a directory. */
export interface Mounted {
  readonly files: Files
  readonly readOnly: boolean
}

/** By destination. */
export type MountedTrees = ReadonlyMap<string, Mounted>

type Failure = MountInvalid | BindSourceMissing | VolumeNameInvalid | VolumesOwnerMissing | ContainerAmbiguous

/** Every mount that a container is to have: named, with every option. */
export const memoryMounts = Effect.fnUntraced(function* (
  host: MemoryHost,
  options: CreateOptions,
  image: MemoryImage,
): Effect.fn.Return<ReadonlyArray<ContainerMount>, Failure> {
  const inherited = (yield* Effect.forEach(options.volumesFrom, (text) => mountsOfOther(host, text))).flat()
  const imageVolumes = Object.keys(image.execution.Volumes ?? {})
  const requested = yield* Effect.fromResult(requestedMounts({ flags: options, inherited, imageVolumes }))
  const scratch = options.readOnly && options.readOnlyTmpfs ? ["/tmp", "/run", "/var/tmp"] : []
  const resolved = yield* Effect.forEach(
    requested,
    Effect.fnUntraced(function* (mount): Effect.fn.Return<ContainerMount, BindSourceMissing | VolumeNameInvalid> {
      const complete = { ...mount, options: completeMountOptions(mount.type, mount.options) }
      if (complete.type === "bind" && !fs.existsSync(complete.source))
        return yield* new BindSourceMissing({ source: complete.source })
      if (complete.type !== "volume") return complete
      const name = complete.name === "" ? yield* newId : complete.name
      if (!isContainerName(name)) return yield* new VolumeNameInvalid({ name, operation: "mount" })
      return { ...complete, name }
    }),
  )
  const taken = new Set(resolved.map(({ destination }) => destination))
  return [
    ...resolved,
    ...scratch
      .filter((destination) => !taken.has(destination))
      .map((destination): ContainerMount => ({ type: "tmpfs", destination, options: ["rw", "tmpcopyup"] })),
  ]
})

const mountsOfOther = Effect.fnUntraced(function* (host: MemoryHost, text: string) {
  const [ref = "", access] = text.split(":")
  if (access !== undefined && !["ro", "rw", "z"].includes(access))
    return yield* new MountInvalid({ problem: "fromOption", value: access })
  const { config } = yield* findContainer(host, ref).pipe(
    Effect.catchTag("ContainerNotFound", () => Effect.fail(new VolumesOwnerMissing({ ref }))),
  )
  return config.mounts
    .filter(({ type }) => type !== "tmpfs")
    .map((mount) => ({
      ...mount,
      options: [
        ...mount.options.filter((word) => access === undefined || !["ro", "rw"].includes(word)),
        access ?? "",
      ].filter((word) => word !== ""),
    }))
})

/** Make the volumes that are not there, and put every tree in its place. */
export const mountTrees = Effect.fnUntraced(function* (host: MemoryHost, mounts: ReadonlyArray<ContainerMount>) {
  const trees = new Map<string, Mounted>()
  for (const mount of mounts) {
    const readOnly = isReadOnlyMount(mount.options)
    const files =
      mount.type === "volume"
        ? (yield* ensureVolume(host, { name: mount.name, anonymous: mount.anonymous })).files
        : mount.type === "bind"
          ? directoryOf(host, mount.source)
          : (new Map() as Files)
    trees.set(mount.destination, { files, readOnly })
  }
  return trees as MountedTrees
})

type Wanted = Pick<MemoryVolume, "name" | "anonymous"> & Partial<MemoryVolume>

export const ensureVolume = Effect.fnUntraced(function* (host: MemoryHost, wanted: Wanted) {
  const known = host.volumes.find(({ name }) => name === wanted.name)
  if (known !== undefined) return known
  const made: MemoryVolume = {
    createdAt: yield* instant,
    labels: {},
    options: {},
    files: new Map(),
    needsCopyUp: true,
    ...wanted,
  }
  host.volumes.push(made)
  return made
})

const directoryOf = (host: MemoryHost, source: string): Files => {
  const known = host.directories.get(source) ?? new Map()
  host.directories.set(source, known)
  return known
}

/** For a start from the beginning, memory is empty. */
export const fillMemory = ({ config, files, mounts }: MemoryContainer): void => {
  for (const { destination, options, type } of config.mounts) {
    const tree = mounts.get(destination)?.files
    if (type !== "tmpfs" || tree === undefined) continue
    tree.clear()
    if (options.includes("tmpcopyup")) copyUp(files, destination, tree)
  }
}

/** What is new gets what the image has in its place. */
export const fillVolumes = (host: MemoryHost, { config, files }: MemoryContainer): void => {
  for (const mount of config.mounts) {
    const volume = mount.type === "volume" ? host.volumes.find(({ name }) => name === mount.name) : undefined
    if (volume?.needsCopyUp === true && volume.files.size === 0 && !mount.options.includes("nocopy")) {
      copyUp(files, mount.destination, volume.files)
      volume.needsCopyUp = volume.files.size === 0
    }
    makePlace(files, mount.destination)
  }
}

const copyUp = (from: Files, directory: string, to: Files): void => {
  for (const [path, node] of from) if (path.startsWith(`${directory}/`)) to.set(path.slice(directory.length), node)
}

const makePlace = (files: Files, path: string): void => {
  if (path === "/" || files.has(path)) return
  makePlace(files, parentOf(path))
  files.set(path, { kind: "directory" })
}

/** Remove the volumes that nobody named, unless another container has them. */
export const discardAnonymous = (host: MemoryHost, { config }: MemoryContainer): void => {
  for (const mount of config.mounts) {
    if (mount.type !== "volume" || !mount.anonymous || mountsVolume(host.containers, mount.name)) continue
    const at = host.volumes.findIndex(({ name }) => name === mount.name)
    if (at !== -1) host.volumes.splice(at, 1)
  }
}

const mountsVolume = (containers: ReadonlyArray<MemoryContainer>, name: string) =>
  containers.some(({ config }) => config.mounts.some((mount) => mount.type === "volume" && mount.name === name))
