/** What can stand in the way of an operation on a pod, or of joining a namespace; messages as libpod words them. */
import * as Schema from "effect/Schema"
import { Failure } from "../Failure.ts"

/** No pod has this name or this (unambiguous) beginning of an id. */
export class PodNotFound extends Failure("PodNotFound", { ref: Schema.String }, 404) {
  override get message() {
    return this.ref === "" ? "name or ID cannot be empty" : `no pod with name or ID ${this.ref} found: no such pod`
  }
}

/** The beginning of an id fits several pods. */
export class PodAmbiguous extends Failure("PodAmbiguous", { ref: Schema.String }, 500) {
  override get message() {
    return `more than one result for ID or name ${this.ref}: pod already exists`
  }
}

/** There is no pod at all that a `--latest` could mean. */
export class NoPods extends Failure("NoPods", {}, 404) {
  override get message() {
    return "no such pod"
  }
}

/** The name belongs to another pod. */
export class PodNameInUse extends Failure("PodNameInUse", { name: Schema.String }, 409) {
  override get message() {
    return `adding pod to state: name "${this.name}" is in use: pod already exists`
  }
}

const podProblems = {
  name: () => "running pod create option: names must match [a-zA-Z0-9][a-zA-Z0-9_.-]*: invalid argument",
  newName: () => "new pod name must be at least one character",
  exitPolicy: (value: string) => `running pod create option: invalid pod exit policy: ${JSON.stringify(value)}`,
  share: (value: string) =>
    `invalid kernel namespace to share: ${value}. Options are: cgroup, ipc, net, pid, uts or none`,
  shareMount: () => "mount sharing functionality not supported on pod level",
  shareWithoutInfra: (value: string) => `cannot set share(${value}) namespaces without an infra container`,
} as const

/** A value of an option that a pod cannot have. */
export class PodOptionInvalid extends Failure(
  "PodOptionInvalid",
  {
    problem: Schema.Literals(
      Object.keys(podProblems) as unknown as readonly [keyof typeof podProblems, ...Array<keyof typeof podProblems>],
    ),
    value: Schema.String,
  },
  400,
) {
  override get message() {
    return podProblems[this.problem](this.value)
  }
}

const filterProblems = {
  form: (value: string) => `filter input must be in the form of filter=value: ${value} is invalid`,
  key: (value: string) => `${value} is an invalid filter`,
  podState: (value: string) => `${value} is not a valid pod status`,
  containerState: (value: string) => `${value} is not a valid status`,
} as const

/** A filter of pods that nobody knows, or with a value it cannot have. */
export class PodFilterInvalid extends Failure(
  "PodFilterInvalid",
  {
    problem: Schema.Literals(
      Object.keys(filterProblems) as unknown as readonly [
        keyof typeof filterProblems,
        ...Array<keyof typeof filterProblems>,
      ],
    ),
    value: Schema.String,
  },
  500,
) {
  override get message() {
    return filterProblems[this.problem](this.value)
  }
}

/** A pod with containers that run is removed by force only; nothing of it has been removed. */
export class PodContainersRunning extends Failure(
  "PodContainersRunning",
  { pod: Schema.String, containers: Schema.Array(Schema.Struct({ id: Schema.String, state: Schema.String })) },
  409,
) {
  override get message() {
    const each = this.containers.map(
      ({ id, state }) =>
        `cannot remove container ${id} as it is ${state} - running or paused containers cannot be removed without force: container state improper`,
    )
    return `not all containers could be removed from pod ${this.pod}: removing pod containers: ${each.join("; ")}`
  }
}

/** A pod without containers has nothing that could be started. */
export class PodEmpty extends Failure("PodEmpty", { pod: Schema.String }, 500) {
  override get message() {
    return `no containers in pod ${this.pod} have no dependencies, cannot start pod: no such container`
  }
}

/** Some containers of a pod did what was asked of all of them, some could not. */
export class PodPartlyFailed extends Failure(
  "PodPartlyFailed",
  {
    /** `starting`, `stopping` and so on. */
    operation: Schema.String,
    failures: Schema.Array(Schema.Struct({ id: Schema.String, reason: Schema.String })),
  },
  409,
) {
  override get message() {
    return this.failures.map(({ id, reason }) => `${this.operation} container ${id}: ${reason}`).join("; ")
  }
}

/** The container holds the namespaces of a pod and goes with it. */
export class InfraRemovalRefused extends Failure(
  "InfraRemovalRefused",
  { id: Schema.String, pod: Schema.String },
  409,
) {
  override get message() {
    return `container ${this.id} is the infra container of pod ${this.pod} and cannot be removed without removing the pod`
  }
}

/** Other containers live in the namespaces of this one. */
export class ContainerHasDependents extends Failure(
  "ContainerHasDependents",
  { id: Schema.String, dependents: Schema.Array(Schema.String) },
  409,
) {
  override get message() {
    return `container ${this.id} has dependent containers which must be removed before it: ${this.dependents.join(", ")}: container already exists`
  }
}

/** A container that others need would lose its checkpoint if it were started from the beginning for them. */
export class DependencyCheckpointed extends Failure(
  "DependencyCheckpointed",
  { id: Schema.String, dependency: Schema.String },
  409,
) {
  override get message() {
    return `container ${this.id} joins the namespaces of container ${this.dependency}, which is checkpointed: restore that one first`
  }
}

/** No such way to get a namespace. */
export class NamespaceModeInvalid extends Failure("NamespaceModeInvalid", { mode: Schema.String }, 400) {
  override get message() {
    return `unrecognized namespace mode ${this.mode} passed`
  }
}

/** The container whose namespace is to be joined is not to be had. */
export class NamespaceOwnerMissing extends Failure(
  "NamespaceOwnerMissing",
  { kind: Schema.String, ref: Schema.String },
  404,
) {
  override get message() {
    return `looking up container to share ${this.kind} namespace with: no container with name or ID "${this.ref}" found: no such container`
  }
}

const namespaceProblems = {
  noPod: () =>
    "cannot use pod namespace as container is not joining a pod or pod has no infra container: invalid argument",
  hostnameOfPod: () =>
    "invalid config provided: cannot set hostname when joining the pod UTS namespace: invalid configuration",
  hostnameOfHost: () =>
    "invalid config provided: cannot set hostname when running in the host UTS namespace: invalid configuration",
  portsOfPod: () =>
    "invalid config provided: published or exposed ports must be defined when the pod is created: network cannot be configured when it is shared with a pod",
  networksOfPod: () =>
    "invalid config provided: networks must be defined when the pod is created: network cannot be configured when it is shared with a pod",
  privateIpc: (id: string) =>
    `joining IPC of container ${id} is not allowed: non-shareable IPC (hint: use IpcMode:shareable for the donor container)`,
} as const

/** Namespaces and other options that do not go together. */
export class NamespaceRefused extends Failure(
  "NamespaceRefused",
  {
    problem: Schema.Literals(
      Object.keys(namespaceProblems) as unknown as readonly [
        keyof typeof namespaceProblems,
        ...Array<keyof typeof namespaceProblems>,
      ],
    ),
    /** The container that is meant, where the problem is about one. */
    id: Schema.optionalKey(Schema.String),
  },
  400,
) {
  override get message() {
    return namespaceProblems[this.problem](this.id ?? "")
  }
}

/** The infra container of a pod runs nothing that could be brought back; the pod's containers need it. */
export class InfraCheckpointRefused extends Failure(
  "InfraCheckpointRefused",
  { id: Schema.String, pod: Schema.String },
  409,
) {
  override get message() {
    return `container ${this.id} holds the namespaces of pod ${this.pod} and cannot be checkpointed: checkpoint the other containers of the pod`
  }
}

/** The end of this container's processes would be the end of other containers. */
export class PidNamespaceShared extends Failure(
  "PidNamespaceShared",
  { id: Schema.String, others: Schema.Array(Schema.String) },
  409,
) {
  override get message() {
    return `container ${this.id} cannot be checkpointed while other containers live in its PID namespace: ${this.others.join(", ")}`
  }
}

/** A checkpoint that leaves its container cannot depend on other containers, but for the infra container of a pod. */
export class DependentExportRefused extends Failure("DependentExportRefused", { id: Schema.String }, 500) {
  override get message() {
    return "cannot export checkpoints of containers with dependencies"
  }
}

const sharedWords = { cgroup: "cgroup", ipc: "IPC", net: "network", pid: "PID", uts: "UTS" } as const

const podRestoreProblems = {
  podMissing: () => "cannot restore pod container without --pod",
  podUnwanted: () => "cannot restore non pod container into pod",
  dependencies: () => "cannot import checkpoints of containers with dependencies",
  noInfra: (pod: string) =>
    `cannot retrieve infra container from pod ${JSON.stringify(pod)}: pod has no infra container: no such container`,
  cgroup: (pod: string) => `pod ${pod} does not share the ${sharedWords.cgroup} namespace`,
  ipc: (pod: string) => `pod ${pod} does not share the ${sharedWords.ipc} namespace`,
  net: (pod: string) => `pod ${pod} does not share the ${sharedWords.net} namespace`,
  pid: (pod: string) => `pod ${pod} does not share the ${sharedWords.pid} namespace`,
  uts: (pod: string) => `pod ${pod} does not share the ${sharedWords.uts} namespace`,
} as const

/** The checkpoint and the pod do not fit each other. */
export class PodRestoreRefused extends Failure(
  "PodRestoreRefused",
  {
    problem: Schema.Literals(
      Object.keys(podRestoreProblems) as unknown as readonly [
        keyof typeof podRestoreProblems,
        ...Array<keyof typeof podRestoreProblems>,
      ],
    ),
    /** Id of the pod that is meant; empty when the problem is about none. */
    pod: Schema.String,
  },
  500,
) {
  override get message() {
    return podRestoreProblems[this.problem](this.pod)
  }
}

const ipcWords = { shm: "shared memory segment", sem: "semaphore array", msg: "message queue" } as const

/** A System V object of the checkpoint cannot have its number or key in the namespace that is joined. */
export class IpcObjectTaken extends Failure(
  "IpcObjectTaken",
  { kind: Schema.Literals(["shm", "sem", "msg"]), id: Schema.Int, key: Schema.Int },
  409,
) {
  override get message() {
    return `the IPC namespace that is joined has another ${ipcWords[this.kind]} with id ${this.id} or key 0x${this.key.toString(16)}: restore into a pod without it`
  }
}
