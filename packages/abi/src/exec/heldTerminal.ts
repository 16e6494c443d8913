/**
 * A terminal for a program whose output goes elsewhere than to ours: script(1) holds one and passes bytes on, and the runtime
 * takes it for its own. script's exit status is the program's.
 */
import { Tools } from "@cryopod/host"
import * as Effect from "effect/Effect"
import type { ExecRequest } from "./runAttached.ts"

/** The command that runs another one on a terminal, whose path it writes into the session's directory. */
export const terminalCommand = Effect.fnUntraced(function* (
  { paths }: Pick<ExecRequest, "paths">,
  command: ReadonlyArray<string>,
) {
  const script = yield* (yield* Tools).path("script")
  const words = `tty >${quoted(paths.terminal)}; exec ${command.map(quoted).join(" ")}`
  return [script, "--quiet", "--return", "--flush", "--command", words, "/dev/null"] as const
})

/** A word of sh(1). */
const quoted = (word: string) => `'${word.replaceAll("'", String.raw`'\''`)}'`
