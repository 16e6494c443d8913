/** The streams of an attached container or of a program beside one. */
import type { AttachStreams } from "@cryopod/entities"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"

export interface PlainStreams {
  readonly output: (stream: "stdout" | "stderr", content: Uint8Array) => Promise<void> | void
  /** Absent when there is no input from here; its end is the end of the program's input. */
  readonly input?: AsyncIterable<Uint8Array>
  /** Sizes of the terminal, the current one first. */
  readonly resizes?: AsyncIterable<{ readonly columns: number; readonly rows: number }>
}

/** Where a build says what it says. */
export const outputTo =
  (output: PlainStreams["output"]): AttachStreams["output"] =>
  (stream, content) =>
    Effect.promise(async () => output(stream, content))

/** What throws in here is a defect of the caller's, and ends the operation. */
export const streamsOf = ({ input, output, resizes }: PlainStreams): AttachStreams => ({
  output: outputTo(output),
  ...(input === undefined ? {} : { input: Stream.orDie(Stream.fromAsyncIterable(input, (cause) => cause)) }),
  ...(resizes === undefined ? {} : { resizes: Stream.orDie(Stream.fromAsyncIterable(resizes, (cause) => cause)) }),
})
