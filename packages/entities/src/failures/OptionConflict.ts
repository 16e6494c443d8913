/**
 * Options that do not go together, in Podman's exact words.
 *
 * The rules live where flat flags or query parameters are decoded into the unions of `options/`; command line, REST
 * and library refuse alike.
 */
import * as Schema from "effect/Schema"

const rules = {
  selectionBoth: "--all or --latest and containers cannot be used together",
  selectionAllLatest: "--all and --latest cannot be used together",
  selectionNone: "you must provide at least one name or id",
  tcpEstablishedWithName: "--tcp-established cannot be used with --name",
  nameWithSeveral: "--name can only be used with one checkpoint image",
  nameWithoutImage: "--name can only be used with image or --import",
  tcpBoth: "--tcp-established and --tcp-close cannot be used together",
  createImageEmpty: "--create-image needs the name of an image",
  tailNegative: "--tail needs a number of lines, or -1 for all of them",
} as const

export type OptionRule = keyof typeof rules

/** A combination of options that Podman refuses too. */
export class OptionConflict extends Schema.TaggedError<OptionConflict>()(
  "OptionConflict",
  { rule: Schema.Literals(Object.keys(rules) as unknown as readonly [OptionRule, ...Array<OptionRule>]) },
  { httpApiStatus: 400 },
) {
  override get message() {
    return rules[this.rule]
  }
}
