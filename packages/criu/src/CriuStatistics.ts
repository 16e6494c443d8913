/**
 * CRIU's `stats-dump` and `stats-restore`, in its work directory after every dump and restore.
 *
 * Source: CRIU 4.2 `images/stats.proto` (`dump_stats_entry`, `restore_stats_entry`, `stats_entry`); `criu/stats.c`
 * writes times as microseconds. The field names are CRIU's own and those that libpod reports; the reports of
 * `@cryopod/entities` have the same shape, and this package does not know them.
 */
import { CriuImageInvalid, imageEntry } from "./CriuImage.ts"
import { decode, message, nested, uint } from "./Protobuf.ts"

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

const dumpEntry = message({
  freezing_time: uint(1),
  frozen_time: uint(2),
  memdump_time: uint(3),
  memwrite_time: uint(4),
  pages_scanned: uint(5),
  pages_written: uint(7),
})

const restoreEntry = message({
  pages_compared: uint(1),
  pages_skipped_cow: uint(2),
  forking_time: uint(3),
  restore_time: uint(4),
  pages_restored: uint(5),
})

const statsEntry = message({ dump: nested(1, dumpEntry), restore: nested(2, restoreEntry) })

/** What is in `stats-dump`. Throws `CriuImageInvalid` or `ProtobufInvalid`. */
export const dumpStatistics = (file: Uint8Array): DumpStatistics => {
  const { dump } = decode(imageEntry(file, "stats"), statsEntry)
  return {
    freezing_time: required(dump?.freezing_time, "freezing_time"),
    frozen_time: required(dump?.frozen_time, "frozen_time"),
    memdump_time: required(dump?.memdump_time, "memdump_time"),
    memwrite_time: required(dump?.memwrite_time, "memwrite_time"),
    pages_scanned: required(dump?.pages_scanned, "pages_scanned"),
    pages_written: required(dump?.pages_written, "pages_written"),
  }
}

/** What is in `stats-restore`. Throws `CriuImageInvalid` or `ProtobufInvalid`. */
export const restoreStatistics = (file: Uint8Array): RestoreStatistics => {
  const { restore } = decode(imageEntry(file, "stats"), statsEntry)
  return {
    pages_compared: required(restore?.pages_compared, "pages_compared"),
    pages_skipped_cow: required(restore?.pages_skipped_cow, "pages_skipped_cow"),
    forking_time: required(restore?.forking_time, "forking_time"),
    restore_time: required(restore?.restore_time, "restore_time"),
    // optional in the message: older CRIUs do not write it
    pages_restored: restore?.pages_restored ?? 0,
  }
}

const required = (value: number | undefined, name: string): number => {
  if (value === undefined) throw new CriuImageInvalid("missingField", 0, name)
  return value
}
