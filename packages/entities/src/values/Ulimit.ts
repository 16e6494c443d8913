/** Limits of a container's processes (getrlimit(2)), and how they are written (docker/go-units `ulimit.go`). */
import * as Result from "effect/Result"
import { ContainerOptionInvalid } from "../failures/ContainerFailures.ts"

export interface Rlimit {
  /** `RLIMIT_NOFILE` and so on. */
  readonly type: string
  readonly soft: number
  readonly hard: number
}

const names: ReadonlySet<string> = new Set(
  "core cpu data fsize locks memlock msgqueue nice nofile nproc rss rtprio rttime sigpending stack".split(" "),
)

/** `nofile=1024:2048`; -1 is no limit. */
export const parseUlimit = (text: string): Result.Result<Rlimit, ContainerOptionInvalid> => {
  const wrong = (detail: string) => Result.fail(new ContainerOptionInvalid({ problem: "ulimit", value: text, detail }))
  const equals = text.indexOf("=")
  if (equals < 0) return wrong(`invalid ulimit argument: ${text}`)
  const [name, value] = [text.slice(0, equals), text.slice(equals + 1)]
  if (!names.has(name)) return wrong(`invalid ulimit type: ${name}`)
  const [first = "", second = first, ...more] = value.split(":")
  if (more.length > 0)
    return wrong(`too many limit value arguments - ${value}, can only have up to two, \`soft[:hard]\``)
  const unreadable = [second, first].find((number) => !/^[+-]?\d+$/.test(number))
  if (unreadable !== undefined) return wrong(`strconv.ParseInt: parsing ${JSON.stringify(unreadable)}: invalid syntax`)
  const [soft, hard] = [limitOf(first), limitOf(second)]
  if (soft > hard) {
    const compared = soft === unlimited ? `soft: -1 (unlimited), hard: ${hard}` : `${soft} > ${hard}`
    return wrong(`ulimit soft limit must be less than or equal to hard limit: ${compared}`)
  }
  return Result.succeed({ type: `RLIMIT_${name.toUpperCase()}`, soft, hard })
}

const unlimited = Number.MAX_SAFE_INTEGER
const limitOf = (text: string) => (Number(text) < 0 ? unlimited : Number(text))
