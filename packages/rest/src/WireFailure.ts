/**
 * Failures on the wire.
 *
 * libpod's clients read `{cause, message, response}`; beside them stand the tag and the fields of our class, so that a tunnel
 * gets the very failure back that the engine gave. The status comes from the class.
 *
 * ```json
 * { "cause": "no such container", "message": "no container with name or ID \"x\" found: no such container",
 *   "response": 404, "_tag": "ContainerNotFound", "ref": "x" }
 * ```
 */
import { Failure, type FailureClass, NotSupported, PodPartlyFailed, ServiceFailure } from "@cryopod/entities"
import * as Schema from "effect/Schema"
import * as SchemaTransformation from "effect/SchemaTransformation"

/** The root cause, as Go's wrapped errors write it: what stands behind the last colon. */
export const causeOf = (message: string): string => message.slice(message.lastIndexOf(": ") + 1).trim() || message

/** What every client reads of a failure. */
const LibpodBody = Schema.Struct({ cause: Schema.String, message: Schema.String, response: Schema.Int })

type Wire = typeof LibpodBody.Type & { readonly _tag: string } & Readonly<Record<string, unknown>>

const libpodBody = (message: string, response: number) => ({ cause: causeOf(message), message, response })

/** What libpod's clients look for besides, where only some containers of a pod have failed (`PodConflictErrorModel`). */
const beside = (failure: unknown): object =>
  failure instanceof PodPartlyFailed
    ? { Errs: failure.failures.map(({ id, reason }) => `${failure.operation} container ${id}: ${reason}`) }
    : {}

const wired = new Map<FailureClass, Schema.Top>()

/** A failure class as its JSON on the wire. */
export const onWire = <Self>(failure: FailureClass<Self>): Schema.Codec<Self, unknown> => {
  const known = wired.get(failure)
  if (known !== undefined) return known as never as Schema.Codec<Self, unknown>
  const { fields, status, tag } = failure
  const names = Object.keys(fields)
  const own = (from: Readonly<Record<string, unknown>>) =>
    Object.fromEntries(names.flatMap((name) => (from[name] === undefined ? [] : [[name, from[name]]])))
  const schema = Schema.Struct({ ...LibpodBody.fields, _tag: Schema.tag(tag), ...fields })
    .pipe(
      Schema.decodeTo(
        Schema.instanceOf(failure as never as new () => Wire),
        SchemaTransformation.transform<Wire, Wire>({
          decode: (wire) => new failure(own(wire) as never) as Wire,
          encode: (value) => ({ ...libpodBody(value.message, status), ...beside(value), _tag: tag, ...own(value) }),
        }),
      ),
    )
    .annotate({ httpApiStatus: status })
  wired.set(failure, schema)
  return schema as never as Schema.Codec<Self, unknown>
}

/** The JSON of a failure, for documents that carry one. */
export const toWire = (failure: { readonly message: string }): unknown =>
  Schema.encodeUnknownSync(onWire(failure.constructor as never as FailureClass))(failure)

/** The request itself cannot be read: a parameter or a body of the wrong shape. */
export class RequestInvalid extends Failure("RequestInvalid", { request: Schema.String, problem: Schema.String }, 400) {
  override get message() {
    return `failed to parse parameters for ${this.request}: ${this.problem}`
  }
}

/** A request that this service, or its version of the API, does not know. */
export class RouteNotFound extends Failure("RouteNotFound", { request: Schema.String }, 404) {
  override get message() {
    return `${this.request}: not found`
  }
}

/** A version of the API that is not spoken. */
export class VersionUnknown extends Failure("VersionUnknown", { version: Schema.String, spoken: Schema.String }, 400) {
  override get message() {
    return `version ${this.version} of the API is not spoken: this service speaks ${this.spoken}`
  }
}

/** A request that a page in a browser has made. */
export class PageRefused extends Failure("PageRefused", { problem: Schema.String }, 403) {
  override get message() {
    return this.problem
  }
}

/** An exec session that is not, or no longer, there. */
export class ExecSessionNotFound extends Failure("ExecSessionNotFound", { id: Schema.String }, 404) {
  override get message() {
    return `no exec session with ID ${this.id} found: no such exec session`
  }
}

const plain = (status: number): Schema.Codec<ServiceFailure, unknown> =>
  Schema.Struct({
    ...LibpodBody.fields,
    response: Schema.optionalKey(Schema.Int),
    cause: Schema.optionalKey(Schema.String),
  })
    .pipe(
      Schema.decodeTo(
        Schema.instanceOf(ServiceFailure),
        SchemaTransformation.transform({
          decode: ({ cause, message, response }) =>
            new ServiceFailure({ cause: cause ?? causeOf(message), text: message, status: response ?? status }),
          encode: ({ cause, status: response, text }) => ({ cause, message: text, response }),
        }),
      ),
    )
    .annotate({ httpApiStatus: status })

/** Statuses with which Podman's service answers. */
const podmanStatuses = [400, 403, 404, 405, 409, 413, 426, 500, 501, 503] as const

const plainFailures = podmanStatuses.map(plain)

/** Status of a failure as it goes over the wire. */
export const statusOfFailure = (failure: object): number =>
  failure instanceof ServiceFailure ? failure.status : (failure.constructor as never as FailureClass).status

/** The errors of an endpoint: its failures with tag and fields, and what is left of those of other services. */
export const errorsOf = <const Classes extends ReadonlyArray<FailureClass>>(classes: Classes) =>
  [...new Set<FailureClass>([...classes, RequestInvalid, NotSupported])]
    // has no status of its own: it goes on under the one it came with
    .filter((one) => one !== ServiceFailure)
    .map((one) => onWire(one))
    .concat(plainFailures as never) as never as readonly [
    Schema.Codec<InstanceOf<Classes[number]> | RequestInvalid | NotSupported | ServiceFailure, unknown>,
  ]

/** Instances of a class of failures. */
export type InstanceOf<Class> = Class extends FailureClass<infer Self> ? Self : never

/** The failure in a document that carries one; what is none of these is told by its text. */
export const failureOn = <const Classes extends ReadonlyArray<FailureClass>>(
  classes: Classes,
  document: unknown,
): InstanceOf<Classes[number]> | ServiceFailure =>
  Schema.decodeUnknownSync(Schema.Union([...errorsOf(classes), textDocument] as never))(document) as never

const textDocument = Schema.Unknown.pipe(
  Schema.decodeTo(
    Schema.instanceOf(ServiceFailure),
    SchemaTransformation.transform({
      decode: (document: unknown) => {
        const text = typeof document === "string" ? document : JSON.stringify(document)
        return new ServiceFailure({ cause: causeOf(text), text, status: 500 })
      },
      encode: ({ text }): unknown => text,
    }),
  ),
)
