/** Limits of processes, as they are written. */
import { expect, it } from "vitest"
import * as Result from "effect/Result"
import { parseUlimit } from "../../src/index.ts"

it.each([
  ["nofile=1024:2048", { type: "RLIMIT_NOFILE", soft: 1024, hard: 2048 }],
  ["core=0", { type: "RLIMIT_CORE", soft: 0, hard: 0 }],
  ["nproc=5:-1", { type: "RLIMIT_NPROC", soft: 5, hard: Number.MAX_SAFE_INTEGER }],
])("reads %s", (text, limit) => expect(Result.getOrThrow(parseUlimit(text))).toEqual(limit))

it.each([
  ["nofile", "invalid ulimit argument: nofile"],
  ["files=1", "invalid ulimit type: files"],
  ["nofile=", 'strconv.ParseInt: parsing "": invalid syntax'],
  ["nofile=1:x", 'strconv.ParseInt: parsing "x": invalid syntax'],
  ["nofile=5:1", "ulimit soft limit must be less than or equal to hard limit: 5 > 1"],
  ["nofile=-1:1", "ulimit soft limit must be less than or equal to hard limit: soft: -1 (unlimited), hard: 1"],
  ["nofile=1:2:3", "too many limit value arguments - 1:2:3, can only have up to two, `soft[:hard]`"],
])("refuses %s", (text, problem) => {
  const read = parseUlimit(text)
  expect(Result.isFailure(read) ? read.failure.message : "").toBe(
    `ulimit option "${text}" requires name=SOFT:HARD, failed to be parsed: ${problem}`,
  )
})
