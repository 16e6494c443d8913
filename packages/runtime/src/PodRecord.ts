/** What the database knows of a pod: a configuration that never changes and an operation that may be under way. */
import type { ExitPolicy, NamespaceKind } from "@cryopod/entities"

export interface PodConfig {
  readonly id: string
  readonly name: string
  /** RFC 3339 in UTC. */
  readonly createdAt: string
  readonly labels: Readonly<Record<string, string>>
  /** As it was asked for; the infra container's is the pod's name when this is empty. */
  readonly hostname: string
  readonly exitPolicy: ExitPolicy
  /** Id of the container that holds what is shared; absent for a pod that is only a group. */
  readonly infraId?: string
  /** What the containers of the pod share unless they ask for something else. */
  readonly shares: ReadonlyArray<NamespaceKind>
  readonly createCommand: ReadonlyArray<string>
}

/** Written before the first irreversible step and taken away with the last, as for containers. */
export type PodOperation = "create" | "remove"

export interface PodRecord {
  readonly config: PodConfig
  readonly operation?: PodOperation
}
