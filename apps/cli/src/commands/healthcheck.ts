/** `healthcheck`: is a container well? */
import { ContainerEngine } from "@cryopod/entities"
import * as Effect from "effect/Effect"
import { completeContainers } from "../completions.ts"
import type { CliCommand } from "../Handler.ts"
import { exactArgs } from "../kit/index.ts"
import { printLine } from "../output.ts"

const runCheck: CliCommand = {
  name: "run",
  short: "Run the health check of a container",
  use: "CONTAINER",
  example: "cryopod healthcheck run web",
  args: exactArgs(1),
  complete: completeContainers,
  handler: ({ args: [ref = ""] }) =>
    Effect.gen(function* () {
      const { Log: log, Status: status } = yield* (yield* ContainerEngine).healthcheck(ref)
      if (log?.at(-1)?.ExitCode === 0) return 0
      yield* printLine(status)
      return 1
    }),
}

export const healthcheck: CliCommand = {
  name: "healthcheck",
  short: "Manage health checks on containers",
  commands: [runCheck],
}
