/**
 * One argument, one report.
 *
 * An operation on several containers or images answers with one item for each input, in the order of the inputs,
 * whatever became of the others. A failure is a value in its item and looks the same in process and over REST.
 */
import type * as Result from "effect/Result"

export interface Item<Report, Failure> {
  /** What the caller wrote: a name, an id, or the id found for `--all` and `--latest`. */
  readonly input: string
  readonly result: Result.Result<Report, Failure>
}

/** The items of one operation, in the order of its inputs. */
export type Items<Report, Failure> = ReadonlyArray<Item<Report, Failure>>
