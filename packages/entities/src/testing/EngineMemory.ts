/**
 * A whole engine in memory, for tests of whatever stands above engines.
 *
 * It has the states, names, refusals and reports of a real one, and containers that run: their programs (`Shell.ts`)
 * count, sleep, write files and end as real ones do, and a checkpoint of one goes on where it left off, in place, from
 * an image, or from an archive in another engine. Only what has a path is outside of memory.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { CheckpointEngine } from "../CheckpointEngine.ts"
import { ContainerEngine } from "../ContainerEngine.ts"
import { ImageEngine } from "../ImageEngine.ts"
import { SystemEngine } from "../SystemEngine.ts"
import { VolumeEngine } from "../VolumeEngine.ts"
import { memoryContainers } from "./memory/MemoryContainers.ts"
import type { MemoryHost } from "./memory/MemoryHost.ts"
import { memoryImages } from "./memory/MemoryImages.ts"
import { makeRegistry, type MemoryRegistry } from "./memory/MemoryRegistry.ts"
import { memorySystem } from "./memory/MemorySystem.ts"
import { memoryViews } from "./memory/MemoryViews.ts"
import { memoryVolumes } from "./memory/MemoryVolumes.ts"
import { erase, stopRun } from "./memory/Runs.ts"

export { makeRegistry, type MemoryRegistry, type RegistryOptions } from "./memory/MemoryRegistry.ts"

export interface MemorySettings {
  /** Runtime of new containers; when it is named, checkpoints that need the other one are refused. */
  readonly runtime?: "crun" | "runc"
  /** Whether checkpoints can be taken in two rounds. @default true */
  readonly memoryTracking?: boolean
  /** Where `push` and `pull` go; one that is shared makes engines the hosts of one network. */
  readonly registry?: MemoryRegistry
}

/** The engines of a host that is not there. What runs ends with the layer. */
export const layer = (
  settings: MemorySettings = {},
): Layer.Layer<CheckpointEngine | ContainerEngine | ImageEngine | SystemEngine | VolumeEngine> =>
  Layer.effectContext(
    Effect.gen(function* () {
      const host: MemoryHost = {
        containers: [],
        exitCodes: new Map(),
        images: [],
        volumes: [],
        made: new Set(),
        directories: new Map(),
        registry: settings.registry ?? makeRegistry(),
        runtime: settings.runtime ?? "crun",
        runtimeGiven: settings.runtime !== undefined,
        memoryTracking: settings.memoryTracking ?? true,
        scope: yield* Effect.scope,
      }
      const removeByForce = (container: MemoryHost["containers"][number]) =>
        Effect.andThen(stopRun(host, container, 0), erase(host, container))
      return Context.mergeAll(
        Context.make(CheckpointEngine, CheckpointEngine.of(memoryViews(host))),
        Context.make(ContainerEngine, ContainerEngine.of(memoryContainers(host))),
        Context.make(ImageEngine, ImageEngine.of(memoryImages(host, removeByForce))),
        Context.make(SystemEngine, SystemEngine.of(memorySystem(host))),
        Context.make(VolumeEngine, VolumeEngine.of(memoryVolumes(host, removeByForce))),
      )
    }),
  )
