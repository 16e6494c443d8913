/** Stay with a container from the beginning of its run to its end. */
import {
  type AttachStreams,
  type ContainerFailure,
  type ContainerInspect,
  ContainerStateImproper,
} from "@cryopod/entities"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import { ask, type Remote } from "../Remote.ts"
import { converse } from "./converse.ts"
import { logs } from "./logs.ts"
import { inspect, onContainer } from "./select.ts"

/** How often the service looks for the end of a container that somebody is attached to. */
export const lookMillis = 20

/**
 * States of a container that somebody can stay with. Between its start and `exited` libpod knows more of them than one would
 * think: stopping, stopped until what is left of it is put away, removing (podman `libpod/define/containerstate.go`).
 */
const isUnderWay = ({ Paused: paused, StartedAt: startedAt, Status: status }: State): boolean =>
  !paused && status !== "paused" && Date.parse(startedAt) > 0

type State = ContainerInspect["State"]

export const attach = Effect.fn("tunnel.attach")(function* (
  remote: Remote,
  ref: string,
  streams: AttachStreams,
): Effect.fn.Return<number, ContainerFailure> {
  const { Config: config, Id: id, State: state } = yield* inspect(remote, ref)
  const exitCode = exitCodeOf(remote, id, lookMillis)
  // our service remembers how runs ended
  if (remote.kind === "cryopod")
    return yield* Effect.andThen(connected(remote, id, { streams, terminal: config.Tty }), exitCode)
  if (!isUnderWay(state)) return yield* new ContainerStateImproper({ id, state: state.Status, operation: "attach" })
  // Podman's must be asked before: a container that removes itself takes the answer along
  const ending = yield* Effect.forkChild(exitCode)
  if (streams.input === undefined && !config.Tty) yield* fromLog(remote, id, { since: beforeFirstWord(state), streams })
  else yield* connected(remote, id, { streams, terminal: config.Tty })
  return yield* Fiber.join(ending)
})

export const exitCodeOf = (
  remote: Remote,
  ref: string,
  intervalMillis: number,
): Effect.Effect<number, ContainerFailure> =>
  onContainer(ref, (params) =>
    ask(remote, remote.containers.wait({ params, query: { interval: `${intervalMillis}ms` } })),
  )

interface Attachment {
  readonly streams: AttachStreams
  readonly terminal: boolean
  /** Begin with what the container has said already. */
  readonly logs: boolean
}

/** Connect to a container's streams for as long as the scope is open; the inner effect goes on to their end. */
export const connect = Effect.fnUntraced(function* (
  remote: Remote,
  id: string,
  { logs: past, streams, terminal }: Attachment,
) {
  const params = { name: id }
  const input = streams.input !== undefined
  const { socket } = yield* ask(
    remote,
    remote.containers.attach({ params, query: { stream: true, logs: past, stdin: input, stdout: true, stderr: true } }),
  )
  const resize = ({ columns, rows }: { readonly columns: number; readonly rows: number }) =>
    remote.containers.resize({ params, query: { h: rows, w: columns, running: true } })
  return yield* converse(remote, { socket, streams, terminal, resize })
})

const connected = (remote: Remote, id: string, attachment: Omit<Attachment, "logs">) =>
  Effect.scoped(Effect.flatten(connect(remote, id, { ...attachment, logs: true })))

/** Longest time that a start takes from a program's first word until Podman notes when it was. */
const startMillis = 1000

/** What an earlier run said lies before its end, which is known until this one ends, too. */
const beforeFirstWord = ({ FinishedAt: finishedAt, StartedAt: startedAt }: State): string =>
  Date.parse(finishedAt) < Date.parse(startedAt)
    ? finishedAt
    : new Date(Date.parse(startedAt) - startMillis).toISOString()

/** Podman's log has all of the run, from its first word on; its attachment begins when it begins. */
const fromLog = (
  remote: Remote,
  id: string,
  { since, streams }: { readonly since: string; readonly streams: AttachStreams },
) =>
  logs(remote, id, { follow: true, tail: -1 }, since).pipe(
    Stream.runForEach(({ content, stream }) => streams.output(stream, content)),
  )
