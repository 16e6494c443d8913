/**
 * `container restore`: one request for each container or image; an archive goes as the request's body.
 *
 * A name is a container's first and an image's otherwise. Our service looks by itself; Podman's takes any image that is
 * there, so its annotation is looked at here, as `podman --remote` does.
 */
import * as fs from "node:fs"
import {
  type ArchiveSource,
  factsFromAnnotations,
  type HostFailure,
  isCheckpointImage,
  type Items,
  newContainerRule,
  type NoContainers,
  NoSuchContainerOrImage,
  NotACheckpoint,
  OptionConflict,
  OptionInvalid,
  type RestoreFailure,
  type RestoreOptions,
  type RestorePolicyChoice,
  type RestoreReport,
  type RestoreSource,
  RuntimeMismatch,
} from "@cryopod/entities"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { ask, each, found, hostOnly, isPathName, onlyOurs, ownRuntimeOnly, type Remote } from "../Remote.ts"
import { bodyOf, calledBy } from "../transfer.ts"
import { allRows, latest } from "./select.ts"

/** Name that stands for none, in the path of an import. */
const noName = "import"

export const restore = Effect.fn("tunnel.restore")(function* (
  remote: Remote,
  source: RestoreSource,
  options: RestoreOptions,
): Effect.fn.Return<Items<RestoreReport, RestoreFailure>, HostFailure | NoContainers> {
  yield* onlyOurs(remote, {
    "publishing several ports of a restored container": options.publish.length > 1,
    "a policy for what is restored": options.policy !== undefined,
    "insisting on a restore": options.force.length > 0,
    "mounting something else in a restored container": options.volume.length > 0,
    "CRIU's option ext-unix-sk": options.extUnixSk,
    "CRIU's option shell-job": options.shellJob,
  })
  switch (source._tag) {
    case "Archive":
      return yield* each([""], () => fromArchive(remote, source, options))
    case "Names":
      return yield* each(source.names, (name) => named(remote, name, options))
    case "Latest":
      return yield* each([yield* latest(remote)], (id) => ofContainer(remote, id, options))
    case "All": {
      const stopped = (yield* allRows(remote)).filter(({ State }) => State === "exited")
      const ids = yield* Effect.filter(stopped, ({ Id }) => isCheckpointed(remote, Id))
      return yield* each(ids.map(({ Id }) => Id).toReversed(), (id) => ofContainer(remote, id, options))
    }
  }
})

/** What each option adds to the query: one that is not here does not compile. */
export const restoreQuery = ({ tcp, ...options }: RestoreOptions) => {
  const { fileLocks, ignoreRootfs, ignoreStaticIp, ignoreStaticMac, ignoreVolumes, keep, name, pod, policy, ...lists } =
    options
  const { extUnixSk, force, publish, runtime, shellJob, volume, ...others } = lists
  const nothing: Record<string, never> = others
  return {
    ...nothing,
    fileLocks,
    ignoreRootfs,
    ignoreStaticIp,
    ignoreStaticMac,
    ignoreVolumes,
    keep,
    tcpEstablished: tcp === "keep",
    tcpClose: tcp === "close",
    extUnixSk,
    shellJob,
    ...(name === undefined ? {} : { name }),
    ...(pod === undefined ? {} : { pod }),
    ...(policy === undefined ? {} : { policy: policyText(policy) }),
    ...(publish.length === 0 ? {} : { publish }),
    ...(volume.length === 0 ? {} : { volume }),
    ...(force.length === 0 ? {} : { force }),
    ...(runtime === undefined ? {} : { runtime }),
    printStats: true,
  }
}

const policyText = (policy: RestorePolicyChoice): string => (policy === "none" ? policy : JSON.stringify(policy))

/** The service finds out what the name is. */
const ofContainer = (
  remote: Remote,
  ref: string,
  options: RestoreOptions,
): Effect.Effect<RestoreReport, RestoreFailure> =>
  ask(remote, remote.containers.restore({ params: { name: ref }, query: restoreQuery(options), payload: Stream.empty }))

const named = Effect.fnUntraced(function* (
  remote: Remote,
  ref: string,
  options: RestoreOptions,
): Effect.fn.Return<RestoreReport, RestoreFailure> {
  if (!isPathName(ref)) return yield* new NoSuchContainerOrImage({ ref })
  if (remote.kind === "podman") yield* lookAtImage(remote, ref, options)
  return yield* ofContainer(remote, ref, options)
})

const lookAtImage = Effect.fnUntraced(function* (
  remote: Remote,
  ref: string,
  options: RestoreOptions,
): Effect.fn.Return<void, RestoreFailure> {
  const params = { name: ref }
  if (yield* found(ask(remote, remote.containers.exists({ params })))) {
    const rule = newContainerRule(options)
    if (rule !== undefined) return yield* new OptionConflict({ rule })
    return
  }
  yield* ownRuntimeOnly(remote, options)
  if (!(yield* found(ask(remote, remote.images.exists({ params }))))) return yield* new NoSuchContainerOrImage({ ref })
  const { Annotations: annotations, Id: id } = yield* ask(remote, remote.images.inspect({ params, query: {} }))
  if (!isCheckpointImage(annotations)) return yield* new NotACheckpoint({ id })
  const { runtimeName: required = "" } = factsFromAnnotations(annotations)
  const given = (yield* ask(remote, remote.system.info())).host.ociRuntime.name
  if (required !== given) return yield* new RuntimeMismatch({ kind: "image", source: ref, required, given })
})

const isCheckpointed = (remote: Remote, id: string): Effect.Effect<boolean, HostFailure> =>
  ask(remote, remote.containers.inspect({ params: { name: id }, query: {} })).pipe(
    Effect.map(({ State }) => State.Checkpointed),
    // gone meanwhile
    Effect.catchTag("ContainerNotFound", () => Effect.succeed(false)),
    hostOnly,
  )

type Archive = Extract<RestoreSource, { readonly _tag: "Archive" }>

const fromArchive = (
  remote: Remote,
  { archive, previous }: Archive,
  options: RestoreOptions,
): Effect.Effect<RestoreReport, RestoreFailure> =>
  Effect.scoped(
    Effect.gen(function* () {
      yield* onlyOurs(remote, { "the archive of a pre-checkpoint": previous !== undefined })
      yield* ownRuntimeOnly(remote, options)
      const body = yield* bodyOf(archive)
      const both =
        previous === undefined
          ? { body, more: {} }
          : { body: Stream.concat(body, yield* bodyOf(previous)), more: { importLength: yield* lengthOf(archive) } }
      return yield* ask(
        remote,
        remote.containers.restore({
          params: { name: noName },
          query: { ...restoreQuery(options), import: true, ...both.more },
          payload: both.body,
        }),
      )
    }),
  ).pipe(calledBy(archive))

/** Where one archive ends and the next begins is to be known before. */
const lengthOf = (archive: ArchiveSource): Effect.Effect<number, OptionInvalid> => {
  const stat = archive._tag === "File" ? fs.statSync(archive.path, { throwIfNoEntry: false }) : undefined
  return stat?.isFile() === true
    ? Effect.succeed(stat.size)
    : Effect.fail(
        new OptionInvalid({
          option: "import-previous",
          value: archive._tag === "File" ? archive.path : "",
          problem: "the archive that builds on it must be a file",
        }),
      )
}
