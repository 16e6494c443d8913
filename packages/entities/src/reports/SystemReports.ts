/** What the engine tells about its host. */
import * as Schema from "effect/Schema"

/** A program the engine drives. `version` is empty when it could not be asked. */
export const ToolFinding = Schema.Struct({
  name: Schema.String,
  purpose: Schema.String,
  path: Schema.String,
  version: Schema.String,
  /** `required` ones stop a checkpoint or restore when they do not work. */
  importance: Schema.Literals(["required", "optional"]),
  status: Schema.Literals(["ok", "missing", "broken", "unfit"]),
  /** What was found wrong; empty when nothing was. */
  problem: Schema.String,
  /** What to do about it; empty when nothing is wrong. */
  remedy: Schema.String,
})
export type ToolFinding = typeof ToolFinding.Type

/** A fact of the host that checkpoints depend on. */
export const HostFinding = Schema.Struct({
  name: Schema.String,
  value: Schema.String,
  status: Schema.Literals(["ok", "limited", "unfit"]),
  problem: Schema.String,
  remedy: Schema.String,
})
export type HostFinding = typeof HostFinding.Type

/** Something of the engine's own state that is not as it should be. */
export const StateFinding = Schema.Struct({
  /** What it is about: `database`, `container`, `image` and so on. */
  kind: Schema.String,
  name: Schema.String,
  problem: Schema.String,
  remedy: Schema.String,
})
export type StateFinding = typeof StateFinding.Type

export const SystemCheck = Schema.Struct({
  /** True when a checkpoint and a restore can be attempted. */
  fit: Schema.Boolean,
  tools: Schema.Array(ToolFinding),
  host: Schema.Array(HostFinding),
  /** What is wrong with the engine's state, empty when nothing is; only of a deep check. */
  state: Schema.optionalKey(Schema.Array(StateFinding)),
})
export type SystemCheck = typeof SystemCheck.Type

const tool = Schema.Struct({ package: Schema.String, path: Schema.String, version: Schema.String })

/** libpod's `info`, as far as this engine has it. */
export const SystemInfo = Schema.Struct({
  host: Schema.Struct({
    arch: Schema.String,
    /** Empty where no images can be built. */
    buildahVersion: Schema.String,
    cgroupManager: Schema.String,
    cgroupVersion: Schema.String,
    conmon: tool,
    cpus: Schema.Int,
    criu: tool,
    distribution: Schema.Struct({ distribution: Schema.String, version: Schema.String }),
    hostname: Schema.String,
    kernel: Schema.String,
    memFree: Schema.Int,
    memTotal: Schema.Int,
    networkBackend: Schema.String,
    ociRuntime: Schema.Struct({
      name: Schema.String,
      package: Schema.String,
      path: Schema.String,
      version: Schema.String,
    }),
    os: Schema.String,
    serviceIsRemote: Schema.Boolean,
    uptime: Schema.String,
  }),
  store: Schema.Struct({
    graphRoot: Schema.String,
    runRoot: Schema.String,
    graphDriverName: Schema.String,
    containerStore: Schema.Struct({
      number: Schema.Int,
      paused: Schema.Int,
      running: Schema.Int,
      stopped: Schema.Int,
    }),
    imageStore: Schema.Struct({ number: Schema.Int }),
  }),
  plugins: Schema.Struct({
    volume: Schema.Array(Schema.String),
    network: Schema.Array(Schema.String),
    log: Schema.Array(Schema.String),
    authorization: Schema.Null,
  }),
  /** Registries by name, as a configuration names them; this engine reads none. */
  registries: Schema.Record(Schema.String, Schema.Unknown),
  version: Schema.Struct({ Version: Schema.String, OsArch: Schema.String }),
})
export type SystemInfo = typeof SystemInfo.Type
