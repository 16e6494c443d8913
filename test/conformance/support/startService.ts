/** A service in a process of its own. */
import { spawn } from "node:child_process"
import { once } from "node:events"
import * as fs from "node:fs"
import { eventually } from "../../real/support/Host.ts"

export interface StartedService {
  readonly pid: number
  readonly end: () => Promise<void>
}

/** Succeeds when there is a socket; the service's own words are kept for failures. */
export const startService = async (
  [file, ...args]: readonly [string, ...Array<string>],
  socket: string,
): Promise<StartedService> => {
  const child = spawn(file, args, { stdio: ["ignore", "pipe", "pipe"] })
  const said: Array<string> = []
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => said.push(chunk.toString()))
  await eventually(
    async () => (fs.existsSync(socket) ? true : undefined),
    () => `a service at ${socket}: ${said.join("")}`,
    60,
  )
  return {
    pid: child.pid ?? 0,
    end: async () => {
      if (child.exitCode !== null) return
      child.kill("SIGTERM")
      await once(child, "exit")
    },
  }
}
