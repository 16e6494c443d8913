/**
 * What a checkpoint or a restore reports of one container.
 *
 * Field names are libpod's (`pkg/domain/entities` CheckpointReport, RestoreReport; `libpod/define` CRIU statistics),
 * because the REST API and `--print-stats` show them. All times are microseconds.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

/** CRIU's `stats-dump`. */
export const CriuDumpStatistics = Schema.Struct({
  /** Time it took to freeze all processes. */
  freezing_time: Schema.Int,
  /** Time the processes stood still, from freeze to thaw or kill. */
  frozen_time: Schema.Int,
  /** Time it took to take the memory out of the processes. */
  memdump_time: Schema.Int,
  /** Time it took to write the memory to files. */
  memwrite_time: Schema.Int,
  pages_scanned: Schema.Int,
  pages_written: Schema.Int,
})
export type CriuDumpStatistics = typeof CriuDumpStatistics.Type

/** CRIU's `stats-restore`. */
export const CriuRestoreStatistics = Schema.Struct({
  pages_compared: Schema.Int,
  pages_skipped_cow: Schema.Int,
  forking_time: Schema.Int,
  restore_time: Schema.Int,
  pages_restored: Schema.Int,
})
export type CriuRestoreStatistics = typeof CriuRestoreStatistics.Type

const sentences = Schema.Array(Schema.String).pipe(
  Schema.withDecodingDefaultKey(Effect.succeed([] as ReadonlyArray<string>)),
)

export const CheckpointReport = Schema.Struct({
  Id: Schema.String,
  /** Time the OCI runtime took. */
  runtime_checkpoint_duration: Schema.Int,
  criu_statistics: Schema.NullOr(CriuDumpStatistics),
  /** What of the container is not in the checkpoint, and why; one sentence each. None when everything is. */
  warnings: sentences,
})
export type CheckpointReport = typeof CheckpointReport.Type

export const RestoreReport = Schema.Struct({
  Id: Schema.String,
  /** Time the OCI runtime took. */
  runtime_restore_duration: Schema.Int,
  criu_statistics: Schema.NullOr(CriuRestoreStatistics),
  /** What of the checkpoint was left out, and why; one sentence each. None when nothing was. */
  warnings: sentences,
})
export type RestoreReport = typeof RestoreReport.Type
