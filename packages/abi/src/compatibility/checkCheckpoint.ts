/**
 * `checkpoint check`: everything that `restore` asks before it changes anything, with a finding for each instead of an end at
 * the first. Nothing is changed, and nothing is pulled.
 */
import { join } from "node:path"
import { checkpointMembers } from "@cryopod/checkpoint"
import {
  type CheckAspect,
  type CheckFinding,
  type CheckpointCheck,
  type CheckpointSource,
  type CheckpointViewFailure,
  type ForcibleAspect,
  type RestoreOptions,
  RestoreRefused,
} from "@cryopod/entities"
import { Layout, Tools } from "@cryopod/host"
import { bindPorts, type ContainerRecord, isActive } from "@cryopod/runtime"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import { requireCompleteDump } from "../container/repair.ts"
import type { JoinedPod, Membership } from "../container/membership.ts"
import type { AllServices } from "../EngineServices.ts"
import { pagesIn } from "../inspection/openView.ts"
import { requireNetworks } from "../network/attachmentsOf.ts"
import { joinedPod } from "../pod/joinedPod.ts"
import { choosePolicy, type HeldRestore } from "../policy/choosePolicy.ts"
import { type HeldBy, holdToPolicy } from "../policy/holdToPolicy.ts"
import { importedMembership } from "../restore/importedMembership.ts"
import { containerNamed, imageNamed } from "../restore/named.ts"
import type { OpenedCheckpoint } from "../restore/open.ts"
import { openArchive } from "../restore/openArchive.ts"
import { openImage } from "../restore/openImage.ts"
import { heldBy, preflightParts } from "../restore/preflight.ts"
import { asFinding, no, ok } from "./findings.ts"
import { type Fitting, fitFindings } from "./fit.ts"

export const checkCheckpoint = Effect.fn("CheckpointEngine.check")(function* (
  source: CheckpointSource,
  options: RestoreOptions,
): Effect.fn.Return<CheckpointCheck, CheckpointViewFailure, AllServices> {
  return yield* Effect.scoped(
    Effect.gen(function* () {
      if (source._tag === "Archive") {
        // of the memory only the size is told
        const opened = yield* openArchive(source.archive, undefined, (path) =>
          pagesIn(path) === undefined ? undefined : [],
        )
        return yield* checkOpened("archive", opened, options)
      }
      const { ref } = source
      const record = yield* containerNamed(ref)
      if (record !== undefined) return yield* checkContainer(record, options)
      return yield* checkOpened("image", yield* openImage(yield* imageNamed(ref), ref), options)
    }),
  )
})

const checkContainer = Effect.fnUntraced(function* (
  record: ContainerRecord,
  { force }: RestoreOptions,
): Effect.fn.Return<CheckpointCheck, CheckpointViewFailure, AllServices> {
  const { config, id, name, state } = record
  const paths = (yield* Layout).container(id)
  yield* requireCompleteDump(id, paths)
  const findings = [
    isActive(state)
      ? no("name", `the container is ${state.status}`, "stop it, or restore the checkpoint under another name")
      : ok("name", name),
    ...(yield* stepFinding("runtime", (yield* Tools).path(config.runtime), (path) => path)),
    ...(yield* hostSide({ source: name, imagesDirectory: paths.checkpoint, annotations: {}, architecture: "" })),
  ]
  return verdict({ source: name, kind: "container", container: name }, findings, force)
})

const checkOpened = Effect.fnUntraced(function* (
  kind: "archive" | "image",
  opened: OpenedCheckpoint,
  options: RestoreOptions,
): Effect.fn.Return<CheckpointCheck, CheckpointViewFailure, AllServices | Scope.Scope> {
  const { annotations, architecture, config, members, source } = opened
  const held = yield* choosePolicy(opened, options)
  const parts = preflightParts(opened, options)
  const fitting: Fitting = {
    source,
    members,
    imagesDirectory: join(members, checkpointMembers.images.name),
    annotations,
    architecture,
  }
  const { pod: wanted } = options
  const membership = yield* Effect.result(
    wanted === undefined
      ? Effect.fromResult(importedMembership(opened, undefined))
      : joinedPod(wanted, (pod: JoinedPod) => Effect.fromResult(importedMembership(opened, pod))),
  )
  const findings = [
    ...Result.match(membership, {
      onFailure: ({ message }) => [no("pod", message, "name a pod that shares what the container had, or none")],
      onSuccess: () => [ok("pod", wanted ?? "none")],
    }),
    ...(yield* policyFindings(opened, held, Result.isSuccess(membership) ? membership.success : undefined)),
    ...(yield* stepFinding("runtime", parts.runtime, (runtime) => runtime)),
    ...(yield* hostSide(fitting)),
    ...(yield* stepFinding("name", parts.name, ({ name }) => name)),
    ...(Result.isFailure(membership)
      ? []
      : yield* stepFinding("network", networkOf(parts, membership.success.network), (found) => found)),
    ...(yield* stepFinding(
      "mounts",
      parts.mounts,
      ({ volumes }) => volumes.map(({ name }) => name).join(", ") || "none",
    )),
    ...(yield* stepFinding("baseImage", parts.baseImage, (found) => found)),
  ]
  return verdict({ source, kind, container: options.name ?? config.name }, findings, options.force)
})

/** Networks that are there, and ports that nobody has: they are taken for a moment, and let go. */
const networkOf = (parts: ReturnType<typeof preflightParts>, network: Membership["network"]) =>
  Effect.scoped(
    Effect.gen(function* () {
      const { attachments, published } = yield* parts.connection(network)
      yield* requireNetworks(attachments)
      yield* bindPorts(published)
      return attachments.length === 0 ? network : attachments.map((attachment) => attachment.network).join(", ")
    }),
  )

const verdict = (
  about: Pick<CheckpointCheck, "source" | "kind" | "container">,
  findings: ReadonlyArray<CheckFinding>,
  force: ReadonlyArray<ForcibleAspect>,
): CheckpointCheck => {
  const insisted: ReadonlyArray<string> = force
  const judged = findings.map((finding) =>
    finding.status === "no" && insisted.includes(finding.aspect) ? { ...finding, status: "warning" as const } : finding,
  )
  return { ...about, thaws: judged.every(({ status }) => status !== "no"), findings: judged }
}

const remedies: Partial<Record<CheckAspect, string>> = {
  runtime: "install it, or let the engine choose the runtime",
  name: "remove the other container, or restore it under another name",
  network: "make the network, or publish other ports",
  mounts: "remove the other volume, or ignore the content of volumes",
  baseImage: "pull or load the image that the container was made from",
  criu: "install a CRIU that serves this kernel",
}

/** What a step of the restore would say. */
const stepFinding = <A, E extends { readonly message: string }, R>(
  aspect: CheckAspect,
  step: Effect.Effect<A, E, R>,
  found: (value: A) => string,
) => Effect.map(asFinding(aspect, step, { found, remedy: remedies[aspect] ?? "" }), (finding) => [finding])

/** Without a CRIU that serves, nothing more can be said. */
const hostSide = (fitting: Fitting) =>
  fitFindings(fitting).pipe(
    Effect.catchTags({
      CriuUnfit: ({ problem, remedy }) => Effect.succeed([no("criu", problem, remedy)]),
      ToolMissing: ({ message, remedy }) => Effect.succeed([no("criu", message, remedy)]),
    }),
  )

const keepsTo = (entry: string | undefined) => (entry === undefined ? "keeps to it" : `keeps to that of ${entry}`)

const policyFindings = Effect.fnUntraced(function* (
  opened: OpenedCheckpoint,
  { policyEntry, ...options }: HeldRestore,
  membership: Pick<Membership, "namespaces"> | undefined,
) {
  const brought = Result.getOrElse(heldBy(options, membership), (): HeldBy => ({ joined: [], replaced: [] }))
  const held = yield* Effect.result(holdToPolicy(opened, options.policy, brought))
  if (Result.isSuccess(held)) return [ok("policy", opened.origin === "here" ? "made here" : keepsTo(policyEntry))]
  const { failure } = held
  if (!(failure instanceof RestoreRefused)) return yield* Effect.fail(failure)
  return failure.differences.map(({ finding, reason, remedy, subject }) =>
    no("policy", `${subject}: ${finding}: ${reason}`, remedy),
  )
})
