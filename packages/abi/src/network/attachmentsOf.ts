/** The networks that a container asks for, by their names. */
import type { NetworkAttachment, PlacementFailure } from "@cryopod/entities"
import { Networks } from "@cryopod/runtime"
import * as Effect from "effect/Effect"

/** Each network once; asked for again, by name or by id, the last word counts. */
export const attachmentsOf = Effect.fnUntraced(function* (
  asked: ReadonlyArray<NetworkAttachment>,
): Effect.fn.Return<ReadonlyArray<NetworkAttachment>, PlacementFailure, Networks> {
  const networks = yield* Networks
  const found = new Map<string, NetworkAttachment>()
  for (const attachment of asked) {
    const { name } = yield* networks.find(attachment.network)
    found.set(name, { ...attachment, network: name })
  }
  return [...found.values()]
})

/** For a container that is recorded, so that its networks cannot go any more: all are still there. */
export const requireNetworks = Effect.fnUntraced(function* (attachments: ReadonlyArray<NetworkAttachment>) {
  const networks = yield* Networks
  for (const { network } of attachments) yield* networks.find(network)
})
