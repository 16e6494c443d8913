/** Containers of another host behind the interface that every engine has. */
import {
  type ContainerEngineShape,
  type ContainerFailure,
  ContainerNotFound,
  type ContainerSelection,
  type ContainerSummary,
  type HostFailure,
  type Items,
  type NoContainers,
  type PathChange,
} from "@cryopod/entities"
import { ownSpec, specGeneratorOf } from "@cryopod/rest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { ask, each, found, insisting, isPathName, ownRuntimeOnly, type Remote } from "../Remote.ts"
import type { Terminal } from "../Terminal.ts"
import { attach, exitCodeOf } from "./attach.ts"
import { checkpoint } from "./checkpoint.ts"
import { exec, execDetached } from "./exec.ts"
import { logs } from "./logs.ts"
import { restore } from "./restore.ts"
import { startAttached } from "./startAttached.ts"
import { allRows, idOf, inspect, latest, list, onContainer, select } from "./select.ts"

const everything = () => true
const running = ({ State }: ContainerSummary) => State === "running"
const paused = ({ State }: ContainerSummary) => State === "paused"
const active = (row: ContainerSummary) => running(row) || paused(row)

export const containerEngine = (remote: Remote, terminal: Terminal): ContainerEngineShape => {
  /** Do something to each selected container; the items carry full ids. */
  const act = <A, E>(
    selection: ContainerSelection,
    eligible: (row: ContainerSummary) => boolean,
    call: (params: { readonly name: string }) => Effect.Effect<A, E>,
  ) =>
    Effect.flatMap(select(remote, selection, eligible), (inputs) =>
      each(inputs, (input) =>
        Effect.flatMap(idOf(remote, input), (id) =>
          Effect.as(
            onContainer(id, (params) => call(params)),
            id,
          ),
        ),
      ),
    )

  return {
    create: (options) =>
      Effect.gen(function* () {
        const wanted = insisting(remote, options)
        yield* ownRuntimeOnly(remote, wanted)
        const payload = remote.kind === "cryopod" ? ownSpec(wanted) : yield* Effect.fromResult(specGeneratorOf(wanted))
        const { Id: id } = yield* ask(remote, remote.containers.create({ payload }))
        return { id }
      }),
    start: (selection) => act(selection, everything, (params) => ask(remote, remote.containers.start({ params }))),
    startAttached: (ref, streams, begun) => startAttached(remote, ref, { streams, begun }),
    attach: (ref, streams) => attach(remote, ref, streams),
    stop: (selection, { ignore, timeSeconds }) =>
      Effect.map(
        act(selection, running, (params) =>
          ask(remote, remote.containers.stop({ params, query: { ignore, ...timeOf(timeSeconds) } })),
        ),
        ignoring(ignore),
      ),
    kill: (selection, { signal }) =>
      act(selection, running, (params) => ask(remote, remote.containers.kill({ params, query: { signal } }))),
    pause: (selection) => act(selection, running, (params) => ask(remote, remote.containers.pause({ params }))),
    unpause: (selection) => act(selection, paused, (params) => ask(remote, remote.containers.unpause({ params }))),
    wait: (selection, { ignore, intervalMillis }) =>
      Effect.flatMap(select(remote, selection, active), (inputs) =>
        each(inputs, (input) => exitCodeOf(remote, input, intervalMillis)),
      ).pipe(Effect.map(ignoring(ignore))),
    remove: (selection, options) => Effect.map(remove(remote, selection, options), ignoring(options.ignore)),
    list: (flags) => list(remote, flags),
    exists: (ref) =>
      isPathName(ref) ? found(ask(remote, remote.containers.exists({ params: { name: ref } }))) : Effect.succeed(false),
    inspect: (ref) => inspect(remote, ref),
    latest: latest(remote),
    rename: (ref, name) =>
      onContainer(ref, (params) => ask(remote, remote.containers.rename({ params, query: { name } }))),
    diff: (ref) =>
      Effect.map(
        onContainer(ref, (params) => ask(remote, remote.containers.changes({ params, query: {} }))),
        (changes) => (changes ?? []).map(({ Kind, Path }) => ({ kind: changeKinds[Kind] ?? "modified", path: Path })),
      ),
    top: (ref, descriptors) =>
      Effect.map(
        onContainer(ref, (params) =>
          ask(
            remote,
            remote.containers.top({ params, query: descriptors.length === 0 ? {} : { ps_args: descriptors } }),
          ),
        ),
        ({ Processes: processes, Titles: titles }) => [titles, ...processes],
      ),
    port: (ref) => Effect.map(inspect(remote, ref), ({ NetworkSettings: { Ports: ports } }) => portLines(ports)),
    logs: (ref, flags) => logs(remote, ref, flags),
    exec: (ref, options, streams) =>
      streams === undefined
        ? terminal(options, (own) => exec(remote, ref, { options, streams: own }))
        : exec(remote, ref, { options, streams }),
    execDetached: (ref, options) => execDetached(remote, ref, options),
    healthcheck: (ref) => onContainer(ref, (params) => ask(remote, remote.containers.healthcheck({ params }))),
    checkpoint: (selection, options) => checkpoint(remote, selection, options),
    restore: (source, options) => restore(remote, source, insisting(remote, options)),
  }
}

/** libpod's numbers (containers/storage `archive.ChangeType`). */
const changeKinds: ReadonlyArray<PathChange["kind"]> = ["modified", "added", "deleted"]

/** The service's own time without one; libpod's query takes no negative one. */
const timeOf = (seconds: number) => (seconds < 0 ? {} : { time: seconds })

const remove = Effect.fnUntraced(function* (
  remote: Remote,
  selection: ContainerSelection,
  {
    depend = false,
    force,
    timeSeconds,
    volumes = false,
  }: {
    readonly force: boolean
    readonly depend?: boolean
    readonly timeSeconds: number
    readonly volumes?: boolean
  },
): Effect.fn.Return<Items<string, ContainerFailure>, HostFailure | NoContainers> {
  const inputs =
    selection._tag === "All"
      ? // the newest first: what others join is older than they are
        (yield* allRows(remote)).map(({ Id, IsInfra }) => ({ ref: Id, depend: depend || IsInfra }))
      : (yield* select(remote, selection, everything)).map((ref) => ({ ref, depend }))
  const dependOf = new Map(inputs.map((one) => [one.ref, one.depend]))
  return yield* each(
    inputs.map(({ ref }) => ref),
    (ref) =>
      Effect.flatMap(idOf(remote, ref), (id) =>
        Effect.as(
          onContainer(id, (params) =>
            ask(
              remote,
              remote.containers.remove({
                params,
                query: { force, depend: dependOf.get(ref) ?? depend, volumes, ...timeOf(timeSeconds) },
              }),
            ),
          ),
          id,
        ),
      ),
  )
})

/** Containers that are not there are no items when missing ones are to be ignored. */
const ignoring =
  (ignore: boolean) =>
  <A, E>(items: Items<A, E>): Items<A, E> =>
    ignore
      ? items.filter(({ result }) => Result.isSuccess(result) || !(result.failure instanceof ContainerNotFound))
      : items

/** `80/tcp -> 0.0.0.0:8080`, out of the document's map of ports. */
const portLines = (ports: Readonly<Record<string, unknown>>): ReadonlyArray<string> =>
  Object.entries(ports).flatMap(([inside, bindings]) =>
    (Array.isArray(bindings)
      ? (bindings as ReadonlyArray<{ readonly HostIp?: string; readonly HostPort: string }>)
      : []
    ).map(({ HostIp: ip, HostPort: port }) => `${inside} -> ${ip || "0.0.0.0"}:${port}`),
  )
