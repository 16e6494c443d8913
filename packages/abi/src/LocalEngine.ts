/** The local engine: this host's containers, images and system behind the interfaces of `entities`. */
import {
  type CheckpointEngine,
  type ContainerEngine,
  type DatabaseFailed,
  type HostFailure,
  type ImageEngine,
  isHostFailure,
  type NetworkEngine,
  type PodEngine,
  type StorageFailed,
  type SystemEngine,
  type VolumeEngine,
  type RuntimeName,
} from "@cryopod/entities"
import { Database, Layout, Tools, type ToolName } from "@cryopod/host"
import { ImageStore, imageTables, ImageUse, Layers, pendingTables, RootFilesystems, Transport } from "@cryopod/images"
import {
  Conmon,
  Containers,
  Addresses,
  addressTables,
  containerTables,
  Networks,
  Netavark,
  networkTables,
  OciRuntime,
  Pods,
  podTables,
  Volumes,
  volumeTables,
} from "@cryopod/runtime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { join } from "node:path"
import { cleanup } from "./container/cleanup.ts"
import { containerEngineLayer } from "./container/ContainerEngine.ts"
import { withinRef } from "./container/ContainerScope.ts"
import { type AllServices, EngineDefaults, type EngineServices } from "./EngineServices.ts"
import { imageEngineLayer } from "./image/ImageEngine.ts"
import { checkpointEngineLayer } from "./inspection/CheckpointEngine.ts"
import { networkEngineLayer } from "./network/NetworkEngine.ts"
import { podEngineLayer } from "./pod/PodEngine.ts"
import { originTables, writeMade } from "./policy/Origins.ts"
import { removeAlong } from "./pod/removeAlong.ts"
import { Probes } from "./system/Probes.ts"
import { stateFindings } from "./system/StateFindings.ts"
import { systemEngineLayer } from "./system/SystemEngine.ts"
import { defaultRuntime } from "./system/SystemInfo.ts"
import { volumeEngineLayer } from "./volume/VolumeEngine.ts"

/** What an engine on this host needs to know. */
export interface LocalEngineSettings {
  /** State that survives a reboot. */
  readonly root: string
  /** State of this boot; on a tmpfs. */
  readonly runroot: string
  /**
   * Runtime of new containers; the first that serves this host when none is named. With a name, checkpoints that need
   * another one are refused.
   */
  readonly runtime: RuntimeName | undefined
  /** Directory of a private CRIU and what goes with it, looked into before PATH. */
  readonly prefix: string
  /** PATH. */
  readonly path: string
  readonly tools?: Partial<Record<ToolName, string>>
  /** What checkpoints from elsewhere may have here (`SourcePolicies.ts`); `defaultPolicyFile`, if it is there, when absent. */
  readonly policyFile?: string
  /**
   * Words of a command that runs this program with this state: conmon and the timer of health checks put `container cleanup` or
   * `healthcheck run` and the container's id behind them.
   */
  readonly selfCommand: ReadonlyArray<string>
  readonly engineName: string
  readonly engineVersion: string
}

export const defaultRoot = "/var/lib/cryopod"
export const defaultRunroot = "/run/cryopod"
export const defaultPrefix = "/opt/cryopod"
export const defaultPolicyFile = "/etc/cryopod/policy.json"

/** Everything below the engines: state, images, runtime. */
const services = (settings: LocalEngineSettings): Layer.Layer<AllServices, StorageFailed | DatabaseFailed> => {
  const host = Layer.mergeAll(
    Layout.layer(settings.root, settings.runroot),
    Tools.layer({ prefix: settings.prefix, path: settings.path, overrides: settings.tools ?? {} }),
    Database.layer(join(settings.root, "cryopod.db"), [
      containerTables,
      imageTables,
      pendingTables,
      podTables,
      volumeTables,
      networkTables,
      originTables,
      addressTables,
    ]),
  )
  const runtime = Conmon.layer([...settings.selfCommand, "container", "cleanup"]).pipe(
    Layer.provideMerge(Layer.mergeAll(OciRuntime.layer, engineDefaults(settings))),
    Layer.provideMerge(
      Layer.mergeAll(
        Containers.layer,
        Pods.layer,
        Volumes.layer,
        Networks.layer,
        Addresses.layer,
        Netavark.layer,
        Probes.layer,
      ),
    ),
    Layer.provideMerge(host),
  )
  const images = Layer.mergeAll(RootFilesystems.layer, Transport.layer).pipe(
    Layer.provideMerge(Layers.layer),
    Layer.provideMerge(ImageStore.layer),
    Layer.provideMerge(imageUse),
  )
  return images.pipe(Layer.provideMerge(runtime))
}

const engineDefaults = (settings: LocalEngineSettings) =>
  Layer.effect(
    EngineDefaults,
    Effect.gen(function* () {
      const { engineName, engineVersion, policyFile, runtime, selfCommand } = settings
      const context = yield* Effect.context<Tools | Probes>()
      const found = yield* Effect.cached(Effect.provideContext(defaultRuntime, context))
      return {
        engineName,
        engineVersion,
        selfCommand,
        runtime: runtime === undefined ? found : Effect.succeed(runtime),
        runtimeGiven: runtime !== undefined,
        policyFile: policyFile ?? defaultPolicyFile,
        policyFileGiven: policyFile !== undefined,
      }
    }),
  )

/** Images are kept as long as a container was made from them; those made here are known as such. */
const imageUse: Layer.Layer<ImageUse, never, EngineServices> = Layer.effect(
  ImageUse,
  Effect.gen(function* () {
    const context = yield* Effect.context<EngineServices>()
    const containers = yield* Containers
    return ImageUse.of({
      made: writeMade,
      usedBy: (imageId) => Effect.map(containers.byImage(imageId), (records) => records.map(({ id }) => id)),
      removeUsers: (ids) =>
        Effect.forEach(ids, (id) => removeAlong(id, { force: true, timeSeconds: 0 }), { discard: true }).pipe(
          // a removal by force and by id is not refused
          Effect.catchIf(
            (failure): failure is Exclude<typeof failure, HostFailure> => !isHostFailure(failure),
            Effect.die,
          ),
          Effect.provideContext(context),
        ),
    })
  }),
)

const systemEngine = (settings: LocalEngineSettings): Layer.Layer<SystemEngine, never, AllServices> =>
  Layer.unwrap(
    Effect.gen(function* () {
      const context = yield* Effect.context<AllServices>()
      const containers = yield* Containers
      const store = yield* ImageStore
      return systemEngineLayer({
        version: settings.engineVersion,
        counts: Effect.gen(function* () {
          const all = yield* containers.list
          const having = (status: string) => all.filter(({ state }) => state.status === status).length
          return {
            containers: {
              number: all.length,
              paused: having("paused"),
              running: having("running"),
              stopped: all.length - having("running") - having("paused"),
            },
            images: (yield* store.list).length,
          }
        }),
        state: Effect.provideContext(stateFindings, context),
        cleanup: (ref) => Effect.provideContext(withinRef(ref, cleanup), context),
      })
    }),
  )

/** The engines of this host. */
export const localEngine = (
  settings: LocalEngineSettings,
): Layer.Layer<
  CheckpointEngine | ContainerEngine | ImageEngine | NetworkEngine | PodEngine | SystemEngine | VolumeEngine,
  StorageFailed | DatabaseFailed
> =>
  Layer.mergeAll(
    checkpointEngineLayer,
    containerEngineLayer,
    imageEngineLayer,
    networkEngineLayer,
    podEngineLayer,
    systemEngine(settings),
    volumeEngineLayer,
  ).pipe(Layer.provide(services(settings)))
