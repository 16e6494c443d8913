/** What can stand in the way of an engine that is reached through a service, beside what the engine itself refuses. */
import * as Schema from "effect/Schema"
import { Failure } from "../Failure.ts"

/** Nobody answers at this address, or the connection broke off before the answer was whole. */
export class EngineUnreachable extends Failure(
  "EngineUnreachable",
  { url: Schema.String, problem: Schema.String },
  502,
) {
  override get message() {
    return `cannot reach the engine at ${this.url}: ${this.problem}`
  }
}

/** The service speaks a version of libpod's API that is too old. */
export class ApiVersionMismatch extends Failure(
  "ApiVersionMismatch",
  { client: Schema.String, server: Schema.String },
  502,
) {
  override get message() {
    return `server API version is too old. Client ${JSON.stringify(this.client)} server ${JSON.stringify(this.server)}`
  }
}

/** The service cannot do what is asked for, or would leave it out without a word; nothing was attempted. */
export class NotSupported extends Failure("NotSupported", { what: Schema.String }, 501) {
  override get message() {
    return `${this.what} is not supported by this service`
  }
}

/**
 * A failure of which only libpod's three fields are known: what a Podman service answers, or a service with failures that
 * this client does not know.
 */
export class ServiceFailure extends Failure(
  "ServiceFailure",
  {
    cause: Schema.String,
    text: Schema.String,
    /** Status of the answer. */
    status: Schema.Int,
  },
  500,
) {
  override get message() {
    return this.text
  }
}
