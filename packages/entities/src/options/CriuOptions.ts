/**
 * What CRIU can be told beyond what every engine tells it. Flags have CRIU's own words (criu(8), CRIU 4.2); where an option has
 * no word of an OCI runtime, it reaches CRIU by the file that the engine writes for it, and by nobody else's.
 */
import * as Schema from "effect/Schema"
import { bool, text } from "../Option.ts"

/** How packets are held back while sockets are taken. */
export const NetworkLock = Schema.Literals(["iptables", "nftables", "skip"])
export type NetworkLock = typeof NetworkLock.Type

/** Options of a dump that its restore needs as well. */
export const criuBothFields = (verb: "Checkpoint" | "Restore") => ({
  extUnixSk: bool({
    cli: "ext-unix-sk",
    description: `${verb} a container with datagram sockets connected to Unix sockets outside of it`,
  }),
  shellJob: bool({
    cli: "shell-job",
    description: `${verb} a container with processes on a terminal that was opened outside of it`,
  }),
})

export const criuDumpFields = {
  ...criuBothFields("Checkpoint"),
  ghostLimit: text({
    cli: "ghost-limit",
    description: "Size up to which the content of deleted files that are still open is taken along (1m unless given)",
    valueName: "size",
  }),
  linkRemap: bool({
    cli: "link-remap",
    description: "Take along open files whose name was deleted while another name of them remains",
  }),
  networkLock: text({
    cli: "network-lock",
    description: `How the network is held still during the dump (${NetworkLock.literals.join(", ")})`,
    valueName: "string",
  }),
  skipInFlight: bool({
    cli: "skip-in-flight",
    description: "Leave out TCP connections that the container has not accepted yet",
  }),
}

export interface CriuRestoreOptions {
  /** Datagram sockets that are connected to Unix sockets outside of the container. */
  readonly extUnixSk: boolean
  /** Processes on a terminal that was opened outside of the container. */
  readonly shellJob: boolean
}

export interface CriuDumpOptions extends CriuRestoreOptions {
  /** 0 to 4294967295 (CRIU keeps it in 32 bits); CRIU's own limit, 1 MiB, when absent. */
  readonly ghostLimitBytes?: number
  /** The container has to end with the checkpoint: CRIU takes the names that it gives such files away from one that runs on. */
  readonly linkRemap: boolean
  /** CRIU's own choice when absent. */
  readonly networkLock?: NetworkLock
  readonly skipInFlight: boolean
}

export const defaultCriuRestore: CriuRestoreOptions = { extUnixSk: false, shellJob: false }
export const defaultCriuDump: CriuDumpOptions = { ...defaultCriuRestore, linkRemap: false, skipInFlight: false }

export const ghostLimitMaximum = 2 ** 32 - 1
