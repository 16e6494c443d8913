/** Names in requests are images of registries: a path or another tool's store belongs to the host, not to a client. */
import { OptionInvalid, parsePlace, type ReferenceInvalid } from "@cryopod/entities"
import * as Result from "effect/Result"

/** The reference without the transport that says the same; refused when it means another. */
export const registryReference = (
  option: string,
  text: string,
): Result.Result<string, OptionInvalid | ReferenceInvalid> =>
  Result.flatMap(parsePlace(text), (place) =>
    place._tag === "Registry"
      ? Result.succeed(text.replace(/^docker:\/\//, ""))
      : Result.fail(
          new OptionInvalid({
            option,
            value: text,
            problem: "only images of registries are moved for a remote client",
          }),
        ),
  )
