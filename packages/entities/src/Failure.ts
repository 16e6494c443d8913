/**
 * One declaration per failure: its tag, the schemas of its fields, the HTTP status that goes with it.
 *
 * ```ts
 * export class ImageNotFound extends Failure("ImageNotFound", { ref: Schema.String }, 404) {
 *   override get message() {
 *     return `${this.ref}: image not known`
 *   }
 * }
 * ```
 *
 * A class is no schema itself: a hundred of those would be made at every start, for the few that a service sends.
 * `@cryopod/rest` makes one of a class when it is on the wire.
 */
import type * as Cause from "effect/Cause"
import * as Data from "effect/Data"
import type * as Schema from "effect/Schema"
import type * as Types from "effect/Types"

/** What is known of a class of failures. */
export interface FailureFacts<Tag extends string = string, Fields extends Schema.Struct.Fields = Schema.Struct.Fields> {
  readonly tag: Tag
  readonly fields: Fields
  readonly status: number
}

/** Any class of failures. */
export interface FailureClass<Self = unknown> extends FailureFacts {
  new (fields: never): Self
}

/** What a class of failures extends. */
export interface FailureBase<Tag extends string, Fields extends Schema.Struct.Fields> extends FailureFacts<
  Tag,
  Fields
> {
  new (
    fields: Types.VoidIfEmpty<Schema.Struct.Type<Fields>>,
  ): Cause.YieldableError & { readonly _tag: Tag } & Schema.Struct.Type<Fields>
}

/** The base of a class of failures. Without a status it is the server's own error. */
export const Failure = <const Tag extends string, const Fields extends Schema.Struct.Fields>(
  tag: Tag,
  fields: Fields,
  status = 500,
): FailureBase<Tag, Fields> => Object.assign(Data.TaggedError(tag), { tag, fields, status }) as never
