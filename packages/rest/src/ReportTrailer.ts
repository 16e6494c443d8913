/**
 * What became of an export, behind its last byte.
 *
 * libpod answers with the bytes of an archive and no report. A client that takes trailers (RFC 9110, `TE: trailers`) is told
 * beyond libpod: the report, or the failure that came after bytes had gone out, as `WireFailure.ts` writes it. To others
 * such a failure breaks the connection off.
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"

export const reportTrailer = "x-cryopod-report"

/** Value of the header by which a client says that it takes trailers. */
export const takesTrailers = "trailers"

const Told = Schema.fromJsonString(
  Schema.Struct({ report: Schema.optionalKey(Schema.Unknown), failure: Schema.optionalKey(Schema.Unknown) }),
)
export type Told = typeof Told.Type

/** A value that a header can have. */
export const trailerText = (told: Told): string => Buffer.from(JSON.stringify(told)).toString("base64url")

/** Nothing for a text that is none of ours. */
export const readTrailer = (text: string | undefined): Told =>
  Result.getOrElse(
    Schema.decodeUnknownResult(Told)(Buffer.from(text ?? "", "base64url").toString("utf8")),
    (): Told => ({}),
  )
