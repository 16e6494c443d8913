/** Signals by the names and numbers people use. */
import { constants } from "node:os"

/** `KILL`, `SIGKILL`, `9`, `RTMIN+3` → 9; undefined for what is no signal. */
export const signalNumber = (text: string): number | undefined => {
  if (/^\d+$/.test(text)) {
    const number = Number(text)
    return number >= 1 && number <= lastSignal ? number : undefined
  }
  const name = text.toUpperCase().replace(/^SIG/, "")
  const realtime = /^RTMIN(?:\+(\d+))?$|^RTMAX(?:-(\d+))?$/.exec(name)
  if (realtime !== null) {
    const number = name.startsWith("RTMIN")
      ? firstRealtime + Number(realtime[1] ?? 0)
      : lastSignal - Number(realtime[2] ?? 0)
    return number >= firstRealtime && number <= lastSignal ? number : undefined
  }
  return (constants.signals as Readonly<Record<string, number>>)[`SIG${name}`]
}

/** The name libpod shows for a number. */
export const signalName = (number: number): string =>
  Object.entries(constants.signals).find(([, value]) => value === number)?.[0] ?? String(number)

/** glibc's SIGRTMIN and SIGRTMAX (signal(7)). */
const firstRealtime = 34
const lastSignal = 64
