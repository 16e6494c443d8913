/** Recorded output, out of the frames in which it comes. */
import { type ContainerFailure, type LogLine, type LogsFlags } from "@cryopod/entities"
import { type Frame, frameDecoder } from "@cryopod/rest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { ask, ofTransport, type Remote, textOnly } from "../Remote.ts"
import { onContainer } from "./select.ts"

export const logs = (
  remote: Remote,
  ref: string,
  { follow, tail }: Pick<LogsFlags, "follow" | "tail">,
  /** Lines before this instant are left out. */
  since?: string,
): Stream.Stream<LogLine, ContainerFailure> =>
  Stream.unwrap(
    Effect.map(
      onContainer(ref, (params) =>
        ask(
          remote,
          remote.containers.logs({
            params,
            query: {
              follow,
              timestamps: true,
              stdout: true,
              stderr: true,
              tail: tail < 0 ? "all" : String(tail),
              ...(since === undefined ? {} : { since }),
            },
          }),
        ),
      ),
      (body) => {
        const frames = frameDecoder()
        const line = lineDecoder()
        return body.pipe(
          Stream.mapError((error): ContainerFailure => ofTransport(remote, error)),
          Stream.flatMap((bytes) => Stream.fromIterable(frames(bytes))),
          Stream.mapEffect((frame) =>
            frame.stream === "error"
              ? Effect.fail(textOnly(Buffer.from(frame.content).toString("utf8"), 500))
              : Effect.succeed(line(frame)),
          ),
        )
      },
    ),
  )

/** A line has its time in front of its first piece; the pieces of one line have that of the first. */
export const lineDecoder = (): ((frame: Frame) => LogLine) => {
  const within: Partial<Record<LogLine["stream"], string>> = {}
  return ({ content, stream: from }) => {
    const stream = from === "stderr" ? "stderr" : "stdout"
    const space = content.indexOf(0x20)
    const begun = within[stream]
    const timestamp = begun ?? Buffer.from(content.subarray(0, Math.max(space, 0))).toString("utf8")
    const said = begun === undefined ? content.subarray(space + 1) : content
    const partial = said.at(-1) !== 0x0a
    if (partial) within[stream] = timestamp
    else delete within[stream]
    return { stream, timestamp, content: said, partial }
  }
}
