/** One thing that every engine does, and what a set-up must have for it. */
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { CheckpointEngine } from "../../CheckpointEngine.ts"
import type { ContainerEngine } from "../../ContainerEngine.ts"
import type { ImageEngine } from "../../ImageEngine.ts"
import type { SystemEngine } from "../../SystemEngine.ts"
import type { VolumeEngine } from "../../VolumeEngine.ts"
import type { Bench } from "./Bench.ts"

export type Engines = CheckpointEngine | ContainerEngine | ImageEngine | SystemEngine | VolumeEngine

/** What a set-up may be without; everything else is asked of every engine. */
export const capabilities = {
  archives: "checkpoints go to archives and come from them",
  compression: "an archive is compressed as it was asked for",
  memoryTracking: "checkpoints are taken in two rounds",
  tcpClose: "connections of a checkpoint can be closed at its restore",
  transports: "images go to places of the caller's host and come from them, not only to registries",
  registry: "there is a registry to push to and pull from",
  registryLogin: "there is a registry that wants a login",
} as const
export type Capability = keyof typeof capabilities

export interface Case {
  /** A sentence of behaviour; unique. */
  readonly name: string
  readonly needs?: ReadonlyArray<Capability>
  /** Holds only where this is missing: how an engine refuses what it cannot do. */
  readonly without?: Capability
  readonly run: Effect.Effect<void, unknown, Engines | Bench | Scope.Scope>
}

/** Why a set-up is without something or answers otherwise, and the cases that this is about, by name. */
export interface Lack {
  readonly because: string
  readonly cases: ReadonlyArray<string>
}
export type Lacks = Readonly<Partial<Record<Capability, Lack>>>

export const runsWith = (lacks: Lacks, { needs = [], without }: Case): boolean =>
  needs.every((capability) => lacks[capability] === undefined) &&
  (without === undefined || lacks[without] !== undefined)

/** What a set-up leaves out, by what it is without; a case that needs several is named for the first. */
export const leftOut = (lacks: Lacks, cases: ReadonlyArray<Case>): Readonly<Record<string, ReadonlyArray<string>>> =>
  Object.fromEntries(
    Object.keys(lacks).map((capability) => [
      capability,
      cases
        .filter(({ needs = [] }) => needs.find((need) => lacks[need] !== undefined) === capability)
        .map(({ name }) => name),
    ]),
  )
