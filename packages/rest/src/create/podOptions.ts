/** Pods: libpod's PodSpecGenerator, and the options of `pod create`, both ways. */
import {
  ContainerNetworkFlags,
  ExitPolicy,
  namespaceKinds,
  type NetworkOptionInvalid,
  NotSupported,
  OptionInvalid,
  parseSize,
  type PodCreateOptions,
  RuntimeName,
} from "@cryopod/entities"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { networkFields, networkFlagsFrom, networkSpecOf } from "./networks.ts"
import { readOfPods, unheardOf } from "./unheardOf.ts"
import { optionFields } from "../optionFields.ts"

const strings = Schema.Array(Schema.String)
const texts = Schema.Record(Schema.String, Schema.String)
const optional = <S extends Schema.Top>(schema: S) => Schema.optionalKey(Schema.NullOr(schema))

/** The options as they are. */
const Own: Schema.Codec<PodCreateOptions, object> = Schema.Struct({
  name: Schema.String,
  labels: texts,
  hostname: Schema.String,
  exitPolicy: ExitPolicy,
  shares: Schema.Array(Schema.Literals(namespaceKinds)),
  infra: Schema.optionalKey(
    Schema.Struct({
      name: Schema.String,
      image: Schema.String,
      command: Schema.String,
      ...optionFields(ContainerNetworkFlags),
      shmSize: Schema.String,
      runtime: Schema.optionalKey(RuntimeName),
    }),
  ),
  replace: Schema.Boolean,
  createCommand: strings,
})

const known = Schema.Struct({
  name: optional(Schema.String),
  hostname: optional(Schema.String),
  exit_policy: optional(Schema.String),
  labels: optional(texts),
  no_infra: optional(Schema.Boolean),
  infra_command: optional(strings),
  infra_image: optional(Schema.String),
  infra_name: optional(Schema.String),
  shared_namespaces: optional(strings),
  share_parent: optional(Schema.Boolean),
  pod_create_command: optional(strings),
  ...networkFields,
  shm_size: optional(Schema.Int),
  /** Beyond libpod: the options as our own client has them; a service that knows them looks at nothing else. */
  cryopod: Schema.optionalKey(Own),
})

/** Fields that are not named here are kept, so that those that ask for something can be refused instead of lost. */
export const PodSpecGenerator = Schema.StructWithRest(known, [Schema.Record(Schema.String, Schema.Unknown)])
export type PodSpecGenerator = typeof PodSpecGenerator.Type

export const podOptionsOf = (spec: PodSpecGenerator): Result.Result<PodCreateOptions, OptionInvalid | NotSupported> => {
  if (spec.cryopod !== undefined) return Result.succeed(spec.cryopod)
  const lost = unheardOf(spec, readOfPods, "pod")
  if (lost !== undefined) return Result.fail(new NotSupported({ what: lost }))
  const exitPolicy = ExitPolicy.literals.find((policy) => policy === (spec.exit_policy || "continue"))
  if (exitPolicy === undefined)
    return Result.fail(
      new OptionInvalid({ option: "exit-policy", value: spec.exit_policy ?? "", problem: "continue or stop" }),
    )
  const asked = spec.shared_namespaces ?? ["ipc", "net", "uts"]
  const unknown = asked.find((word) => word !== "" && !namespaceKinds.some((kind) => kind === word))
  if (unknown !== undefined)
    return Result.fail(new NotSupported({ what: `sharing the namespace ${JSON.stringify(unknown)} in a pod` }))
  return Result.map(networkFlagsFrom(spec), (networks) => ({
    name: spec.name ?? "",
    labels: spec.labels ?? {},
    hostname: spec.hostname ?? "",
    exitPolicy,
    shares: spec.no_infra === true ? [] : namespaceKinds.filter((kind) => asked.includes(kind)),
    ...(spec.no_infra === true
      ? {}
      : {
          infra: {
            name: spec.infra_name ?? "",
            image: spec.infra_image ?? "",
            command: spec.infra_command?.join(" ") ?? "",
            ...networks,
            shmSize: spec.shm_size ? String(spec.shm_size) : "65536k",
          },
        }),
    replace: false,
    createCommand: spec.pod_create_command ?? [],
  }))
}

/** For Podman's service and our own, which looks at the last field alone. */
export const podSpecOf = (options: PodCreateOptions): Result.Result<PodSpecGenerator, NetworkOptionInvalid> =>
  Result.map(options.infra === undefined ? Result.succeed({}) : networkSpecOf(options.infra), (networks) => ({
    name: options.name,
    hostname: options.hostname,
    exit_policy: options.exitPolicy,
    labels: options.labels,
    no_infra: options.infra === undefined,
    shared_namespaces: options.shares,
    pod_create_command: options.createCommand,
    ...(options.infra === undefined
      ? {}
      : {
          infra_name: options.infra.name,
          infra_image: options.infra.image,
          ...(options.infra.command === "" ? {} : { infra_command: options.infra.command.split(" ") }),
          ...networks,
          shm_size: parseSize(options.infra.shmSize) ?? null,
        }),
    cryopod: options,
  }))
