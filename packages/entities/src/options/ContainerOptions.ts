/** Options of the smaller container commands, one struct each. */
import { bool, integer, type OptionValues, text, texts } from "../Option.ts"

const all = (what: string) => bool({ cli: "all", short: "a", description: what })
const latest = bool({ cli: "latest", short: "l", description: "Act on the latest container" })

export const StartFlags = {
  all: bool({ cli: "all", description: "Start all containers regardless of their state or configuration" }),
  latest,
  attach: bool({ cli: "attach", short: "a", description: "Attach container's STDOUT and STDERR" }),
  interactive: bool({ cli: "interactive", short: "i", description: "Make STDIN available to the contained process" }),
}

const timeFacts = {
  cli: "time",
  short: "t",
  rest: "timeout",
  description: "Seconds to wait for stop before killing the container",
  fallback: -1,
} as const

const stopTime = integer(timeFacts)

export const StopFlags = {
  all: all("Stop all running containers"),
  latest,
  ignore: bool({ cli: "ignore", short: "i", description: "Ignore errors when a specified container is missing" }),
  time: integer({ ...timeFacts, aliases: ["timeout"] }),
}

export const RestartFlags = {
  all: all("Restart all non-running containers"),
  latest,
  time: stopTime,
}

export const KillFlags = {
  all: all("Signal all running containers"),
  latest,
  signal: text({ cli: "signal", short: "s", description: "Signal to send to the container", fallback: "KILL" }),
}

export const PauseFlags = { all: all("Act on all running or paused containers"), latest }

export const WaitFlags = {
  latest,
  ignore: bool({ cli: "ignore", description: "Ignore if a container does not exist" }),
  interval: text({
    cli: "interval",
    short: "i",
    description: "Time interval to wait before polling for completion",
    fallback: "250ms",
  }),
}

export const RemoveFlags = {
  all: all("Remove all containers"),
  latest,
  force: bool({ cli: "force", short: "f", description: "Force removal of a running or unusable container" }),
  depend: bool({ cli: "depend", description: "Remove container and all containers that depend on it" }),
  ignore: bool({ cli: "ignore", short: "i", description: "Ignore errors when a specified container is missing" }),
  time: stopTime,
  volumes: bool({
    cli: "volumes",
    short: "v",
    rest: "v",
    description: "Remove anonymous volumes associated with the container",
  }),
}

export const ListFlags = {
  all: all("Show all the containers, default is only running containers"),
  latest: bool({ cli: "latest", short: "l", description: "Show the latest container created (all states)" }),
  filter: texts({ cli: "filter", short: "f", rest: "filters", description: "Filter output based on conditions given" }),
  last: integer({
    cli: "last",
    short: "n",
    rest: "limit",
    description: "Print the n last created containers (all states)",
    fallback: -1,
  }),
  external: bool({
    cli: "external",
    aliases: ["storage"],
    description: "Show containers in storage not controlled by cryopod",
  }),
  size: bool({ cli: "size", short: "s", description: "Display the total file sizes" }),
}

export const LogsFlags = {
  follow: bool({ cli: "follow", short: "f", description: "Follow log output" }),
  latest,
  tail: integer({
    cli: "tail",
    description: "Output the specified number of lines at the end of the logs",
    fallback: -1,
  }),
  timestamps: bool({ cli: "timestamps", short: "t", description: "Output the timestamps in the log" }),
}

export const ExecFlags = {
  detach: bool({ cli: "detach", short: "d", description: "Run the exec session in detached mode (backgrounded)" }),
  env: texts({ cli: "env", short: "e", description: "Set environment variables" }),
  interactive: bool({ cli: "interactive", short: "i", description: "Make STDIN available to the contained process" }),
  latest,
  tty: bool({ cli: "tty", short: "t", description: "Allocate a pseudo-TTY" }),
  user: text({
    cli: "user",
    short: "u",
    description: "Sets the username or UID used and optionally the groupname or GID",
  }),
  workdir: text({ cli: "workdir", short: "w", description: "Working directory inside the container" }),
  privileged: bool({
    cli: "privileged",
    description: "Give the process extended Linux capabilities inside the container",
  }),
}

export type StartFlags = OptionValues<typeof StartFlags>
export type StopFlags = OptionValues<typeof StopFlags>
export type RestartFlags = OptionValues<typeof RestartFlags>
export type KillFlags = OptionValues<typeof KillFlags>
export type PauseFlags = OptionValues<typeof PauseFlags>
export type WaitFlags = OptionValues<typeof WaitFlags>
export type RemoveFlags = OptionValues<typeof RemoveFlags>
export type ListFlags = OptionValues<typeof ListFlags>
export type LogsFlags = OptionValues<typeof LogsFlags>
export type ExecFlags = OptionValues<typeof ExecFlags>
