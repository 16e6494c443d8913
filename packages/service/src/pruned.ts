/** What a prune has removed, as libpod reports it. */
import type { Items } from "@cryopod/entities"
import { toWire } from "@cryopod/rest"
import * as Result from "effect/Result"

export interface Pruned {
  readonly Id: string
  readonly Err: null
  readonly Size: number
  readonly failure?: unknown
}

/** Those that failed come only to clients that ask for them: libpod's cannot read a failure here. */
export const pruned = <Report>(
  items: Items<Report, { readonly message: string }>,
  failuresToo = false,
  idOf: (report: Report, input: string) => string = (_, input) => input,
): ReadonlyArray<Pruned> =>
  items.flatMap(({ input, result }) => {
    if (Result.isSuccess(result)) return [{ Id: idOf(result.success, input), Err: null, Size: 0 }]
    return failuresToo ? [{ Id: input, Err: null, Size: 0, failure: toWire(result.failure) }] : []
  })
