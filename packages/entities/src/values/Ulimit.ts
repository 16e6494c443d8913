/** Limits of a container's processes (getrlimit(2)). */
export interface Rlimit {
  /** `RLIMIT_NOFILE` and so on. */
  readonly type: string
  readonly soft: number
  readonly hard: number
}

/** `nofile=1024:2048`; -1 is no limit. */
export const parseUlimit = (text: string): Rlimit | undefined => {
  const match = /^([a-z]+)=(-1|\d+)(?::(-1|\d+))?$/.exec(text)
  if (match === null) return undefined
  const [, type = "", soft = "", hard = soft] = match
  const value = (number: string) => (number === "-1" ? Number.MAX_SAFE_INTEGER : Number(number))
  return { type: `RLIMIT_${type.toUpperCase()}`, soft: value(soft), hard: value(hard) }
}
