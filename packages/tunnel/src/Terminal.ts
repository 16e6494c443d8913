/** The caller's own standard streams, for programs that are run without others. */
import { type AttachStreams, NotSupported } from "@cryopod/entities"
import * as Effect from "effect/Effect"

export interface TerminalOptions {
  /** The program has a terminal of its own: keys go to it as they are. */
  readonly tty: boolean
  /** Standard input goes to the program. */
  readonly interactive: boolean
}

/** Lends the caller's streams to some work, and takes them back on every way out. */
export type Terminal = <A, E>(
  options: TerminalOptions,
  work: (streams: AttachStreams) => Effect.Effect<A, E>,
) => Effect.Effect<A, E | NotSupported>

/** For callers that always say which streams they mean. */
export const noTerminal: Terminal = () => Effect.fail(new NotSupported({ what: "running a program without streams" }))
