/** Sizes as they are written. */
import * as Result from "effect/Result"
import { ContainerOptionInvalid } from "../failures/ContainerFailures.ts"

/** `65536k`, `1.5g`, `100` → bytes; undefined for anything else. Units are powers of 1024, as Docker's go-units has them. */
export const parseSize = (text: string): number | undefined => {
  const match = /^(\d+(?:\.\d+)?)\s*(?:([kmgtp])?i?b?)$/i.exec(text.trim())
  if (match === null) return undefined
  const power = match[2] === undefined ? 0 : "kmgtp".indexOf(match[2].toLowerCase()) + 1
  return Math.floor(Number(match[1]) * 1024 ** power)
}

/** Bytes of a container's /dev/shm. */
export const shmSizeOf = (text: string): Result.Result<number, ContainerOptionInvalid> => {
  const bytes = parseSize(text)
  return bytes === undefined
    ? Result.fail(new ContainerOptionInvalid({ problem: "shmSize", value: text }))
    : Result.succeed(bytes)
}
