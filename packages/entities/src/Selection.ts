/** Which containers an operation is about. */
import * as Result from "effect/Result"
import { OptionConflict } from "./failures/OptionConflict.ts"

/** Containers by name or id, in the caller's order; all that are eligible; or the one created last. */
export type ContainerSelection =
  | { readonly _tag: "Names"; readonly names: readonly [string, ...Array<string>] }
  | { readonly _tag: "All" }
  | { readonly _tag: "Latest" }

export const Selection = {
  names: (first: string, ...rest: Array<string>): ContainerSelection => ({ _tag: "Names", names: [first, ...rest] }),
  all: { _tag: "All" } as ContainerSelection,
  latest: { _tag: "Latest" } as ContainerSelection,
}

/** Reads `--all`, `--latest` and positional names into one selection, with Podman's refusals. */
export const selectionOf = (
  flags: { readonly all: boolean; readonly latest: boolean },
  names: ReadonlyArray<string>,
): Result.Result<ContainerSelection, OptionConflict> => {
  const [first, ...rest] = names
  if (flags.all && flags.latest) return Result.fail(new OptionConflict({ rule: "selectionAllLatest" }))
  if (flags.all || flags.latest) {
    if (first !== undefined) return Result.fail(new OptionConflict({ rule: "selectionBoth" }))
    return Result.succeed(flags.all ? Selection.all : Selection.latest)
  }
  if (first === undefined) return Result.fail(new OptionConflict({ rule: "selectionNone" }))
  return Result.succeed(Selection.names(first, ...rest))
}
