/** Why a service does not listen. */
import { Failure } from "@cryopod/entities"
import * as Schema from "effect/Schema"

/** The address is not one to listen on, or not like that. */
export class ListenRefused extends Failure("ListenRefused", {
  address: Schema.String,
  problem: Schema.String,
}) {
  override get message() {
    return `cannot listen on ${JSON.stringify(this.address)}: ${this.problem}`
  }
}

/** The system does not let us. */
export class ListenFailed extends Failure("ListenFailed", {
  address: Schema.String,
  /** `errno` name, or OpenSSL's word. */
  code: Schema.String,
  detail: Schema.String,
}) {
  override get message() {
    const words: Readonly<Record<string, string>> = {
      EADDRINUSE: "address already in use: a service answers there",
      EACCES: "permission denied",
      EADDRNOTAVAIL: "this host has no such address",
      ENOENT: "no such directory",
      ENOTSOCK: "a file that is no socket is in the way",
    }
    return `cannot listen on ${this.address}: ${words[this.code] ?? this.detail}`
  }
}
