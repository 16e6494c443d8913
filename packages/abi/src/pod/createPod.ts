/** Make a pod and the container that holds what it shares. */
import {
  type CreateFailure,
  CreateFlags,
  type CreateOptions,
  type InfraOptions,
  networkFlagsOf,
  optionValues,
  type PodCreateOptions,
  randomName,
} from "@cryopod/entities"
import { holdLock, Layout } from "@cryopod/host"
import { type PodConfig, type PodRecord, Pods } from "@cryopod/runtime"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import { createContainer, newContainerId } from "../container/create.ts"
import { membership } from "../container/membership.ts"
import type { AllServices } from "../EngineServices.ts"
import { erasePod } from "./erasePod.ts"
import { pauseImage } from "./pauseImage.ts"
import { repairAbandonedPods, withinPodRef } from "./PodScope.ts"

export const createPod = Effect.fn("PodEngine.create")(function* (
  options: PodCreateOptions,
): Effect.fn.Return<{ readonly id: string }, CreateFailure, AllServices> {
  if (options.replace) yield* removeNamed(options.name)
  const id = yield* newContainerId
  const config: PodConfig = {
    id,
    name: options.name === "" ? randomName() : options.name,
    createdAt: DateTime.formatIso(yield* DateTime.now),
    labels: options.labels,
    hostname: options.hostname,
    exitPolicy: options.exitPolicy,
    shares: options.infra === undefined ? [] : options.shares,
    ...(options.infra === undefined ? {} : { infraId: yield* newContainerId }),
    createCommand: options.createCommand,
  }
  yield* insertPod({ config, operation: "create" }, options.infra)
  return { id }
})

/** Record the pod, make its infra container, and take everything back when that fails. */
const insertPod = Effect.fnUntraced(function* (record: PodRecord, infra: InfraOptions | undefined) {
  const pods = yield* Pods
  const { config } = record
  // whoever finds an unfinished creation and gets its lock takes its maker for dead
  yield* holdLock((yield* Layout).podLock(config.id))
  yield* repairAbandonedPods((other) => other.config.name === config.name)
  yield* pods.insert(record)
  yield* (infra === undefined ? Effect.void : createInfra(config, infra)).pipe(
    Effect.onError(() => Effect.ignore(erasePod(record))),
  )
  yield* pods.mark(config.id, undefined)
}, Effect.scoped)

const createInfra = Effect.fnUntraced(function* (pod: PodConfig, infra: InfraOptions) {
  const options: CreateOptions = {
    ...defaults,
    image: infra.image === "" ? yield* pauseImage : infra.image,
    command: [],
    name: infra.name === "" ? `${pod.id.slice(0, 12)}-infra` : infra.name,
    hostname: pod.hostname === "" ? pod.name : pod.hostname,
    entrypoint: infra.command,
    ...networkFlagsOf(infra),
    shmSize: infra.shmSize,
    ...(infra.runtime === undefined ? {} : { runtime: infra.runtime }),
    createCommand: pod.createCommand,
  }
  const decided = yield* membership(options, undefined)
  yield* createContainer(options, {
    id: pod.infraId ?? "",
    membership: { ...decided, pod: pod.id, infra: true },
  })
})

/** A container with every option at its default. */
const defaults = optionValues(CreateFlags)

/** For `--replace`: it does not matter whether there is one. */
const removeNamed = (name: string) =>
  withinPodRef(name, (record) =>
    Effect.andThen(
      Pods.use((pods) => pods.mark(record.config.id, "remove")),
      erasePod(record),
    ),
  ).pipe(Effect.catchTag("PodNotFound", () => Effect.void))
