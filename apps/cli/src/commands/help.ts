/** `help`: the page of a command, for those who ask for it in front. */
import * as Effect from "effect/Effect"
import type { CliCommand } from "../Handler.ts"
import { findCommand, helpPage } from "../kit/index.ts"
import { failureStatus, writeError, writeOut } from "../output.ts"

/** `tree` is asked when the command runs: it holds this command, too. */
export const helpOf = (tree: () => CliCommand): CliCommand => ({
  name: "help",
  short: "Help about any command",
  use: "[command]",
  example: "cryopod help container checkpoint",
  handler: ({ args }) =>
    Effect.suspend(() => {
      const path = findCommand(tree(), args)
      if (path !== undefined) return Effect.as(writeOut(helpPage(path)), 0)
      const words = args.map((word) => `\`${word}\``).join(" ")
      return Effect.as(writeError(`Error: unknown help topic ${words}\n`), failureStatus)
    }),
})
