/** What a command does: an effect over the engines, whose success is the exit status. */
import type {
  CheckpointEngine,
  ContainerEngine,
  ImageEngine,
  NetworkEngine,
  PodEngine,
  SystemEngine,
  VolumeEngine,
} from "@cryopod/entities"
import type * as Effect from "effect/Effect"
import type { Call, Command } from "./kit/index.ts"

export type Engines =
  | CheckpointEngine
  | ContainerEngine
  | ImageEngine
  | NetworkEngine
  | PodEngine
  | SystemEngine
  | VolumeEngine

/** A failure that ends a command: its text goes to standard error behind `Error: `. */
export interface CommandFailure {
  readonly _tag: string
  readonly message: string
  /** Exit status, when it is another than Podman's 125. */
  readonly exitStatus?: number
}

export interface Handler {
  (call: Call<Handler>): Effect.Effect<number, CommandFailure, Engines>
  /** This host's engine whatever the command line and the environment say, or none; without it, the one that is meant. */
  readonly engine?: "local" | "none"
}

/** A command that asks no engine for anything. */
export const withoutEngine = (work: (call: Call<Handler>) => Effect.Effect<number, CommandFailure>): Handler =>
  Object.assign(work, { engine: "none" } as const)

/** A command that is about this host's own engine. */
export const withLocalEngine = (
  work: (call: Call<Handler>) => Effect.Effect<number, CommandFailure, Engines>,
): Handler => Object.assign(work, { engine: "local" } as const)

export type CliCommand = Command<Handler>
