/** Pods in libpod's form: rows of `pod ps`, and `pod inspect`. */
import { podFilter, type PodInspect, type PodListFlags, type PodSummary } from "@cryopod/entities"
import {
  type ContainerRecord,
  isHostNamespace,
  namespaceText,
  type PodConfig,
  type PodRecord,
  Pods,
} from "@cryopod/runtime"
import * as Effect from "effect/Effect"
import { infraOf, membersOf } from "./members.ts"
import { podStatus } from "./podStatus.ts"

export const listPods = Effect.fn("PodEngine.list")(function* ({ filter, latest }: PodListFlags) {
  const pods = yield* Pods
  const fits = yield* Effect.fromResult(podFilter(filter))
  const wanted: ReadonlyArray<PodRecord> = latest ? [yield* pods.latest] : yield* pods.list
  const rows = yield* Effect.forEach(wanted, ({ config }) =>
    Effect.map(membersOf(config.id), (members) => summaryOf(config, members.toReversed())),
  )
  return rows.filter(fits)
})

const summaryOf = (config: PodConfig, members: ReadonlyArray<ContainerRecord>): PodSummary => ({
  Cgroup: cgroupParent,
  Containers: members.map(({ id, name, state }) => ({ Id: id, Names: name, Status: state.status, RestartCount: 0 })),
  Created: config.createdAt,
  Id: config.id,
  InfraId: config.infraId ?? "",
  Name: config.name,
  Namespace: "",
  Networks: (infraOf(config, members)?.config.attachments ?? []).map(({ network }) => network),
  Status: statusOf(members),
  Labels: config.labels,
})

/** Cgroups of containers lie below this one, in a pod or not. */
const cgroupParent = "/cryopod"

export const statusOf = (members: ReadonlyArray<ContainerRecord>) => podStatus(members.map(({ state }) => state.status))

export const inspectPod = Effect.fn("PodEngine.inspect")(function* (ref: string) {
  const { config } = yield* (yield* Pods).find(ref)
  const members = (yield* membersOf(config.id)).toReversed()
  const infra = infraOf(config, members)
  return {
    Id: config.id,
    Name: config.name,
    Created: config.createdAt,
    ...(config.createCommand.length === 0 ? {} : { CreateCommand: config.createCommand }),
    ExitPolicy: config.exitPolicy,
    State: statusOf(members),
    Hostname: config.hostname,
    ...(Object.keys(config.labels).length === 0 ? {} : { Labels: config.labels }),
    CreateCgroup: false,
    CgroupParent: cgroupParent,
    // no cgroup of its own: those of its containers lie here
    CgroupPath: cgroupParent,
    CreateInfra: infra !== undefined,
    ...(infra === undefined ? {} : { InfraContainerID: infra.id, InfraConfig: infraConfig(infra) }),
    ...(config.shares.length === 0 ? {} : { SharedNamespaces: config.shares }),
    NumContainers: members.length,
    ...(members.length === 0
      ? {}
      : { Containers: members.map(({ id, name, state }) => ({ Id: id, Name: name, State: state.status })) }),
    LockNumber: 0,
  } satisfies PodInspect
})

const infraConfig = ({ config }: ContainerRecord): NonNullable<PodInspect["InfraConfig"]> => ({
  PortBindings: {},
  HostNetwork: isHostNamespace(config, "net"),
  StaticIP: "",
  StaticMAC: "",
  NoManageResolvConf: false,
  DNSServer: null,
  DNSSearch: null,
  DNSOption: null,
  NoManageHostname: false,
  NoManageHosts: false,
  HostAdd: null,
  HostsFile: "",
  Networks: null,
  NetworkOptions: null,
  pid_ns: namespaceText(config, "pid", "private"),
  userns: "host",
  uts_ns: namespaceText(config, "uts", "private"),
})
