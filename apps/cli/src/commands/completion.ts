/** `completion`: scripts that make a shell ask this program for words. */
import * as Effect from "effect/Effect"
import { type CliCommand, withoutEngine } from "../Handler.ts"
import { candidatesOf, completionScript, exactArgs, shells } from "../kit/index.ts"
import { refuse, writeOut } from "../output.ts"

export const completion: CliCommand = {
  name: "completion",
  short: "Generate shell completion scripts",
  use: "bash|zsh|fish",
  example: "cryopod completion bash > /etc/bash_completion.d/cryopod",
  args: exactArgs(1),
  complete: () => Promise.resolve(candidatesOf(shells)),
  handler: withoutEngine(({ args: [wanted = ""] }) =>
    Effect.suspend(() => {
      const shell = shells.find((name) => name === wanted)
      if (shell === undefined)
        return refuse(`unknown shell ${JSON.stringify(wanted)}: choose one of ${shells.join(", ")}`)
      return Effect.as(writeOut(completionScript(shell, "cryopod")), 0)
    }),
  ),
}
