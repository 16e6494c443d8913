/** The services that the steps of the local engine are made of, and what an engine is told once. */
import type { RuntimeName } from "@cryopod/entities"
import type { Database, Layout, Tools } from "@cryopod/host"
import type { ImageStore, ImageUse, Layers, RootFilesystems, Transport } from "@cryopod/images"
import type { Addresses, Conmon, Containers, Netavark, Networks, OciRuntime, Pods, Volumes } from "@cryopod/runtime"
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type { Probes } from "./system/Probes.ts"

export type EngineServices =
  | Database
  | Layout
  | Tools
  | Containers
  | Pods
  | Volumes
  | Networks
  | Addresses
  | Netavark
  | OciRuntime
  | Conmon
export type ImageServices = ImageStore | ImageUse | Layers | RootFilesystems | Transport
export type AllServices = EngineServices | ImageServices | Probes | EngineDefaults

/** Settings of one engine. */
export interface EngineDefaultsShape {
  /** Runtime of new containers. Found out when it is first asked for: most commands do not need to know. */
  readonly runtime: Effect.Effect<RuntimeName>
  /** True when the caller named the runtime, so that a checkpoint that needs another one is refused. */
  readonly runtimeGiven: boolean
  /** Where this host says what checkpoints from elsewhere may have. */
  readonly policyFile: string
  /** True when the caller named it, so that it must be there. */
  readonly policyFileGiven: boolean
  /** Words of a command that runs this program with this state. */
  readonly selfCommand: ReadonlyArray<string>
  /** This program, for annotations and `info`. */
  readonly engineName: string
  readonly engineVersion: string
}

export class EngineDefaults extends Context.Service<EngineDefaults, EngineDefaultsShape>()(
  "@cryopod/abi/EngineDefaults",
) {}
