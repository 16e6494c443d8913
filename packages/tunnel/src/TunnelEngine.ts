/**
 * The tunnel engine: the containers, images, volumes, networks, pods and system of another host behind the interfaces of
 * `entities`, over the libpod REST API of a service, ours or Podman's.
 */
import {
  type ApiVersionMismatch,
  CheckpointEngine,
  ContainerEngine,
  type EngineUnreachable,
  ImageEngine,
  NetworkEngine,
  type OptionInvalid,
  PodEngine,
  type RuntimeName,
  SystemEngine,
  VolumeEngine,
} from "@cryopod/entities"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { checkpointEngine } from "./checkpoint/CheckpointEngine.ts"
import { connect } from "./connect/Connection.ts"
import { destinationOf, type DestinationOptions } from "./connect/Destination.ts"
import { containerEngine } from "./container/ContainerEngine.ts"
import { imageEngine } from "./image/ImageEngine.ts"
import { networkEngine } from "./network/NetworkEngine.ts"
import { podEngine } from "./pod/PodEngine.ts"
import { remoteOf } from "./Remote.ts"
import { systemEngine } from "./system/SystemEngine.ts"
import { noTerminal, type Terminal } from "./Terminal.ts"
import { volumeEngine } from "./volume/VolumeEngine.ts"

export interface TunnelSettings extends DestinationOptions {
  /** `unix:///run/x.sock`, `tcp://host:8443`, `ssh://root@host/run/x.sock`. */
  readonly url: string
  /** Runtime of what is made there; the service's choice when absent. Checkpoints that need another one are then refused. */
  readonly runtime?: RuntimeName
  /** The caller's own streams, for programs that are run without others. */
  readonly terminal?: Terminal
}

/** The engines of another host. Whether anybody answers is found out when the layer is built. */
export const tunnelEngine = ({
  runtime,
  terminal = noTerminal,
  url,
  ...options
}: TunnelSettings): Layer.Layer<
  CheckpointEngine | ContainerEngine | ImageEngine | NetworkEngine | PodEngine | SystemEngine | VolumeEngine,
  OptionInvalid | EngineUnreachable | ApiVersionMismatch
> =>
  Layer.effectContext(
    Effect.gen(function* () {
      const destination = yield* Effect.fromResult(destinationOf(url, options))
      const remote = remoteOf(yield* connect(url, destination), runtime === undefined ? {} : { runtime })
      return Context.mergeAll(
        Context.make(CheckpointEngine, CheckpointEngine.of(checkpointEngine(remote))),
        Context.make(ContainerEngine, ContainerEngine.of(containerEngine(remote, terminal))),
        Context.make(ImageEngine, ImageEngine.of(imageEngine(remote))),
        Context.make(NetworkEngine, NetworkEngine.of(networkEngine(remote))),
        Context.make(PodEngine, PodEngine.of(podEngine(remote))),
        Context.make(SystemEngine, SystemEngine.of(systemEngine(remote))),
        Context.make(VolumeEngine, VolumeEngine.of(volumeEngine(remote))),
      )
    }),
  )
