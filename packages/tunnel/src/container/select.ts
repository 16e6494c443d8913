/** From a selection to the references that requests are made with. */
import {
  type ContainerFailure,
  ContainerNotFound,
  type ContainerSelection,
  type ContainerSummary,
  type HostFailure,
  type ListFlags,
  NoContainers,
} from "@cryopod/entities"
import * as Effect from "effect/Effect"
import { ask, filtersOf, hostOnly, isPathName, orMissing, type Remote } from "../Remote.ts"
import { rowOf } from "./rows.ts"

/** Rows as the local engine gives them, the newest first. */
export const list = (
  remote: Remote,
  { all, external, filter, last, latest, size }: ListFlags,
): Effect.Effect<ReadonlyArray<ContainerSummary>, ContainerFailure> => {
  const count = latest ? 1 : last
  return ask(
    remote,
    remote.containers.list({
      query: {
        all: all || count >= 0,
        ...(external ? { external } : {}),
        ...(size ? { size } : {}),
        ...(count >= 0 ? { last: count } : {}),
        ...filtersOf(filter),
      },
    }),
  ).pipe(Effect.map((rows) => (remote.kind === "cryopod" ? rows : rows.map(rowOf).toSorted(newestFirst))))
}

/** The number of seconds is the same for two that are made one right after the other. */
const newestFirst = (one: ContainerSummary, other: ContainerSummary) => createdMillis(other) - createdMillis(one)
const createdMillis = ({ Created: created }: ContainerSummary) => Date.parse(created)

const everything: ListFlags = { all: true, latest: false, filter: [], last: -1, external: false, size: false }

/** Every container, the newest first. */
export const allRows = (remote: Remote): Effect.Effect<ReadonlyArray<ContainerSummary>, HostFailure> =>
  hostOnly(list(remote, everything))

export const latest = (remote: Remote): Effect.Effect<string, HostFailure | NoContainers> =>
  Effect.flatMap(hostOnly(list(remote, { ...everything, latest: true })), ([row]) =>
    row === undefined ? Effect.fail(new NoContainers()) : Effect.succeed(row.Id),
  )

/** Names as they are; of all the eligible ones, the newest last; or the one created last. */
export const select = (
  remote: Remote,
  selection: ContainerSelection,
  eligible: (row: ContainerSummary) => boolean,
): Effect.Effect<ReadonlyArray<string>, HostFailure | NoContainers> => {
  switch (selection._tag) {
    case "Names":
      return Effect.succeed(selection.names)
    case "Latest":
      return Effect.map(latest(remote), (id) => [id])
    case "All":
      return Effect.map(allRows(remote), (rows) =>
        rows
          .filter(eligible)
          .map(({ Id }) => Id)
          .toReversed(),
      )
  }
}

/** A call about one container; what is not there is told as the engine tells it. */
export const onContainer = <A, E, R>(
  ref: string,
  call: (params: { readonly name: string }) => Effect.Effect<A, E, R>,
): Effect.Effect<A, E | ContainerNotFound, R> => {
  const missing = new ContainerNotFound({ ref })
  return isPathName(ref) ? orMissing(call({ name: ref }), missing) : Effect.fail(missing)
}

/** The document of one container. */
export const inspect = (remote: Remote, ref: string) =>
  onContainer(ref, (params) => ask(remote, remote.containers.inspect({ params, query: {} })))

export const idOf = (remote: Remote, ref: string): Effect.Effect<string, ContainerFailure> =>
  Effect.map(inspect(remote, ref), ({ Id }) => Id)
