/**
 * Whether CRIU has to hold packets off while a container is dumped.
 *
 * It does so with iptables unless it is told otherwise, and lets packets pass again at the end of a restore: half a dozen
 * programs, which take a restore a quarter of its time. Where nobody but the container itself is on its network, and it
 * stands still, nobody sends any. Connections that are to be kept are held in any case: the kernel may still have something
 * to say between two sockets of one container.
 */
import * as fs from "node:fs"
import type { CheckpointOptions, DatabaseFailed } from "@cryopod/entities"
import { type ContainerRecord, type Containers, isActive, isOwnNamespace, joinedContainer } from "@cryopod/runtime"
import * as Effect from "effect/Effect"
import { dependentsOf } from "../container/remove.ts"

/** What CRIU is to be told; undefined leaves it to CRIU. */
export const packetLock = Effect.fnUntraced(function* (
  record: ContainerRecord,
  { networkLock, tcpEstablished }: Pick<CheckpointOptions, "networkLock" | "tcpEstablished">,
): Effect.fn.Return<CheckpointOptions["networkLock"], DatabaseFailed, Containers> {
  if (networkLock !== undefined || tcpEstablished || !(yield* isAlone(record))) return networkLock
  return "skip"
})

const isAlone = Effect.fnUntraced(function* ({ config, id, state }: ContainerRecord) {
  if (config.network !== "none" || !isOwnNamespace(config, "net") || !hasOnlyLoopback(state.pid)) return false
  const others = yield* dependentsOf(id)
  return !others.some((other) => isActive(other.state) && joinedContainer(other.config, "net") === id)
})

/** Somebody may have put an interface there by hand. proc(5), `net/dev`: two lines of heading, then one for each interface. */
const hasOnlyLoopback = (pid: number): boolean => {
  const [, , ...interfaces] = fs.readFileSync(`/proc/${pid}/net/dev`, "utf8").trimEnd().split("\n")
  return interfaces.every((line) => line.trimStart().startsWith("lo:"))
}
