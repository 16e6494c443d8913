/**
 * CRIU's `stats-dump` and `stats-restore`, in its work directory after every dump and restore.
 *
 * Source: CRIU 4.2 `images/stats.proto`, `criu/stats.c` (times are microseconds). The field names are CRIU's own and
 * those that libpod reports; the reports of `@cryopod/entities` have the same shape, and this package does not know them.
 */
import { bytesSource, CriuImageInvalid, readOnly } from "./CriuImage.ts"

export interface DumpStatistics {
  /** Time it took to freeze all processes. */
  readonly freezing_time: number
  /** Time the processes stood still. */
  readonly frozen_time: number
  readonly memdump_time: number
  readonly memwrite_time: number
  readonly pages_scanned: number
  readonly pages_written: number
}

export interface RestoreStatistics {
  readonly pages_compared: number
  readonly pages_skipped_cow: number
  readonly forking_time: number
  readonly restore_time: number
  readonly pages_restored: number
}

/** What is in `stats-dump`. Throws `CriuImageInvalid` or `ProtobufInvalid`. */
export const dumpStatistics = (file: Uint8Array): DumpStatistics => {
  const { dump } = readOnly(bytesSource(file), "stats")
  if (dump === undefined) throw new CriuImageInvalid("missingField", 0, "dump")
  const { freezing_time, frozen_time, memdump_time, memwrite_time, pages_scanned, pages_written } = dump
  return { freezing_time, frozen_time, memdump_time, memwrite_time, pages_scanned, pages_written }
}

/** What is in `stats-restore`. Throws `CriuImageInvalid` or `ProtobufInvalid`. */
export const restoreStatistics = (file: Uint8Array): RestoreStatistics => {
  const { restore } = readOnly(bytesSource(file), "stats")
  if (restore === undefined) throw new CriuImageInvalid("missingField", 0, "restore")
  const { forking_time, pages_compared, pages_skipped_cow, restore_time } = restore
  // older CRIUs do not write how many pages were restored
  const { pages_restored = 0 } = restore
  return { pages_compared, pages_skipped_cow, forking_time, restore_time, pages_restored }
}
