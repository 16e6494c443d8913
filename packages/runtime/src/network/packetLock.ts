/**
 * No packet in or out of a network namespace but CRIU's own, while sockets of a container are taken or put back: an answer
 * to one that is not there would end the connection it belongs to.
 *
 * The chain is CRIU's (`criu/net.c`, network_lock_internal): CRIU sets it up for a dump and takes it down at the end of a restore,
 * right before the sockets go on. It does neither the other way round, so that a namespace made anew lets packets in too
 * early, and one that lives on after a dump, because others are in it, none at all.
 */
import type { ToolMissing } from "@cryopod/entities"
import { run, Tools } from "@cryopod/host"
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

const programs = ["iptables-restore", "ip6tables-restore"] as const

/** A host without the filter of a family has no connections over it that CRIU could keep. */
const filter = Effect.fnUntraced(function* (
  namespace: string,
  input: string,
): Effect.fn.Return<void, ToolMissing, Tools> {
  const tools = yield* Tools
  const nsenter = yield* tools.path("nsenter")
  yield* Effect.forEach(
    programs,
    (program) => run(nsenter, [`--net=${namespace}`, program, "-w", "--noflush"], { env: tools.environment, input }),
    { concurrency: "unbounded", discard: true },
  )
})

/** CRIU's other way, a table that is named after the dump (`criu/net.c`, nftables_lock_network_internal). */
const lockTable = /^table inet (CRIU-\S+)$/gm

/** CRIU takes its table down at the end of a restore, in whatever namespace that is. A host without nft has none. */
export const dropLockTables = Effect.fnUntraced(function* (
  namespace: string,
): Effect.fn.Return<void, ToolMissing, Tools> {
  const tools = yield* Tools
  const nft = tools.find("nft")
  if (nft === undefined) return
  const nsenter = yield* tools.path("nsenter")
  const inside = (...words: ReadonlyArray<string>) =>
    run(nsenter, [`--net=${namespace}`, nft, ...words], { env: tools.environment })
  const { stdout } = yield* inside("list", "tables", "inet")
  for (const [, table = ""] of stdout.matchAll(lockTable)) yield* inside("delete", "table", "inet", table)
})

export const lockPackets = (namespace: string) => filter(namespace, locking)

/** One that is not locked is a success. */
export const unlockPackets = (namespace: string) => filter(namespace, unlocking)
