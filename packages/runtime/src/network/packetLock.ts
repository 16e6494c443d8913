/**
 * No packet in or out of a network namespace but CRIU's own, while sockets of a container are taken or put back: an answer
 * to one that is not there would end the connection it belongs to.
 *
 * The chain is CRIU's (`criu/net.c`, network_lock_internal): CRIU sets it up for a dump and takes it down at the end of a restore,
 * right before the sockets go on. It does neither the other way round, so that a namespace made anew lets packets in too
 * early, and one that lives on after a dump, because others are in it, none at all.
 */
import type { ToolFailed, ToolMissing } from "@cryopod/entities"
import { run, runOk, Tools } from "@cryopod/host"
import * as Effect from "effect/Effect"

/** What CRIU marks its own packets with (`soccr/soccr.h`, SOCCR_MARK). */
const ownMark = "0xC114"

const locking = `*filter
:CRIU - [0:0]
-I INPUT -j CRIU
-I OUTPUT -j CRIU
-A CRIU -m mark --mark ${ownMark} -j ACCEPT
-A CRIU -j DROP
COMMIT
`

const unlocking = `*filter
:CRIU - [0:0]
-D INPUT -j CRIU
-D OUTPUT -j CRIU
-X CRIU
COMMIT
`

const words = (namespace: string, program: string) => [`--net=${namespace}`, program, "-w", "--noflush"]
const programs = ["iptables-restore", "ip6tables-restore"] as const

/** Only IPv4 must be locked: a host without the filter for IPv6 has no connections over it that CRIU could keep either. */
export const lockPackets = Effect.fn("Network.lockPackets")(function* (
  namespace: string,
): Effect.fn.Return<void, ToolMissing | ToolFailed, Tools> {
  const tools = yield* Tools
  const nsenter = yield* tools.path("nsenter")
  const [four, six] = programs
  yield* runOk(nsenter, words(namespace, four), { env: tools.environment, input: locking })
  yield* run(nsenter, words(namespace, six), { env: tools.environment, input: locking })
})

/** One that is not locked is a success. */
export const unlockPackets = Effect.fn("Network.unlockPackets")(function* (
  namespace: string,
): Effect.fn.Return<void, ToolMissing, Tools> {
  const tools = yield* Tools
  const nsenter = yield* tools.path("nsenter")
  yield* Effect.forEach(
    programs,
    (program) => run(nsenter, words(namespace, program), { env: tools.environment, input: unlocking }),
    { concurrency: "unbounded", discard: true },
  )
})
