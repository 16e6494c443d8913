/**
 * What the engine tells about pods. Field names are libpod's (`pkg/domain/entities` ListPodsReport, `libpod/define`
 * InspectPodData), because templates, scripts and the REST API use them.
 */
import * as Schema from "effect/Schema"

const strings = Schema.Array(Schema.String)
const labels = Schema.Record(Schema.String, Schema.String)

/** libpod's words for what a pod is doing (`libpod/define/podstate.go`). */
export const PodStatus = Schema.Literals(["Created", "Running", "Degraded", "Paused", "Exited", "Stopped", "Error"])
export type PodStatus = typeof PodStatus.Type

/** One row of `pod ps`. */
export const PodSummary = Schema.Struct({
  Cgroup: Schema.String,
  Containers: Schema.Array(
    Schema.Struct({ Id: Schema.String, Names: Schema.String, Status: Schema.String, RestartCount: Schema.Int }),
  ),
  /** RFC 3339. */
  Created: Schema.String,
  Id: Schema.String,
  InfraId: Schema.String,
  Name: Schema.String,
  Namespace: Schema.String,
  /** Networks that its containers share. */
  Networks: strings,
  Status: PodStatus,
  Labels: labels,
})
export type PodSummary = typeof PodSummary.Type

/** The container that holds a pod's namespaces, as `pod inspect` describes it. */
export const PodInfraConfig = Schema.Struct({
  PortBindings: Schema.Record(Schema.String, Schema.Unknown),
  HostNetwork: Schema.Boolean,
  StaticIP: Schema.String,
  StaticMAC: Schema.String,
  NoManageResolvConf: Schema.Boolean,
  DNSServer: Schema.NullOr(strings),
  DNSSearch: Schema.NullOr(strings),
  DNSOption: Schema.NullOr(strings),
  NoManageHostname: Schema.Boolean,
  NoManageHosts: Schema.Boolean,
  HostAdd: Schema.NullOr(strings),
  HostsFile: Schema.String,
  Networks: Schema.NullOr(strings),
  NetworkOptions: Schema.NullOr(Schema.Record(Schema.String, strings)),
  pid_ns: Schema.String,
  userns: Schema.String,
  uts_ns: Schema.String,
})

/** What Go leaves out when it is empty is optional here. */
export const PodInspect = Schema.Struct({
  Id: Schema.String,
  Name: Schema.String,
  Created: Schema.String,
  CreateCommand: Schema.optionalKey(strings),
  ExitPolicy: Schema.String,
  State: PodStatus,
  Hostname: Schema.String,
  Labels: Schema.optionalKey(labels),
  CreateCgroup: Schema.Boolean,
  CgroupParent: Schema.optionalKey(Schema.String),
  CgroupPath: Schema.optionalKey(Schema.String),
  CreateInfra: Schema.Boolean,
  InfraContainerID: Schema.optionalKey(Schema.String),
  InfraConfig: Schema.optionalKey(PodInfraConfig),
  SharedNamespaces: Schema.optionalKey(strings),
  NumContainers: Schema.Int,
  Containers: Schema.optionalKey(
    Schema.Array(Schema.Struct({ Id: Schema.String, Name: Schema.String, State: Schema.String })),
  ),
  LockNumber: Schema.Int,
})
export type PodInspect = typeof PodInspect.Type

/** A pod on which an operation succeeded. */
export const PodReport = Schema.Struct({ Id: Schema.String, Name: Schema.String })
export type PodReport = typeof PodReport.Type
