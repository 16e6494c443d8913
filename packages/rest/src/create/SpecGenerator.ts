/** libpod's SpecGenerator: the body of `containers/create`. */
import { CreateFlags, HealthConfig, RuntimeName } from "@cryopod/entities"
import * as Schema from "effect/Schema"
import { SpecNamespace } from "./namespaces.ts"
import { networkFields } from "./networks.ts"
import { optionFields } from "../optionFields.ts"

const strings = Schema.Array(Schema.String)
const texts = Schema.Record(Schema.String, Schema.String)
const optional = <S extends Schema.Top>(schema: S) => Schema.optionalKey(Schema.NullOr(schema))

const known = Schema.Struct({
  name: optional(Schema.String),
  image: optional(Schema.String),
  raw_image_name: optional(Schema.String),
  command: optional(strings),
  entrypoint: optional(strings),
  env: optional(texts),
  labels: optional(texts),
  annotations: optional(texts),
  terminal: optional(Schema.Boolean),
  stdin: optional(Schema.Boolean),
  remove: optional(Schema.Boolean),
  stop_signal: optional(Schema.Int),
  stop_timeout: optional(Schema.Int),
  restart_policy: optional(Schema.String),
  restart_tries: optional(Schema.Int),
  healthconfig: optional(HealthConfig),
  hostname: optional(Schema.String),
  user: optional(Schema.String),
  work_dir: optional(Schema.String),
  privileged: optional(Schema.Boolean),
  read_write_tmpfs: optional(Schema.Boolean),
  image_volume_mode: optional(Schema.String),
  read_only_filesystem: optional(Schema.Boolean),
  cap_add: optional(strings),
  cap_drop: optional(strings),
  shm_size: optional(Schema.Int),
  r_limits: optional(Schema.Array(Schema.Struct({ type: Schema.String, hard: Schema.Finite, soft: Schema.Finite }))),
  ...networkFields,
  publish_image_ports: optional(Schema.Boolean),
  pidns: optional(SpecNamespace),
  ipcns: optional(SpecNamespace),
  utsns: optional(SpecNamespace),
  pod: optional(Schema.String),
  containerCreateCommand: optional(strings),
  oci_runtime: optional(Schema.String),
  /**
   * Beyond libpod: the options as our own client has them, which says all that the fields above say, and exactly. A service
   * that knows it looks at nothing else; Podman's ignores it.
   */
  cryopod: Schema.optionalKey(
    Schema.Struct({
      ...optionFields(CreateFlags),
      image: Schema.String,
      command: strings,
      runtime: Schema.optionalKey(RuntimeName),
      createCommand: Schema.optionalKey(strings),
    }),
  ),
})

/** Fields that are not named here are kept, so that those that ask for something can be refused instead of lost. */
export const SpecGenerator = Schema.StructWithRest(known, [Schema.Record(Schema.String, Schema.Unknown)])
export type SpecGenerator = typeof SpecGenerator.Type
