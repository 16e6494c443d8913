/** What a command does: an effect over the engines, whose success is the exit status. */
import type {
  ContainerEngine,
  ImageEngine,
  NetworkEngine,
  PodEngine,
  SystemEngine,
  VolumeEngine,
} from "@cryopod/entities"
import type * as Effect from "effect/Effect"
import type { Call, Command } from "./kit/index.ts"

export type Engines = ContainerEngine | ImageEngine | NetworkEngine | PodEngine | SystemEngine | VolumeEngine

/** A failure that ends a command: its text goes to standard error behind `Error: `. */
export interface CommandFailure {
  readonly _tag: string
  readonly message: string
  /** Exit status, when it is another than Podman's 125. */
  readonly exitStatus?: number
}

export type Handler = (call: Call<Handler>) => Effect.Effect<number, CommandFailure, Engines>

export type CliCommand = Command<Handler>
