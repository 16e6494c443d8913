/** `save`: the archive that a service sends becomes a file, a directory, or goes where the caller takes it. */
import * as fs from "node:fs"
import { dirname, resolve } from "node:path"
import { decompressed, unpack } from "@cryopod/archive"
import {
  type ArchiveDestination,
  type ImageFailure,
  imageFailures,
  OptionInvalid,
  StorageFailed,
} from "@cryopod/entities"
import {
  attempt,
  attemptSync,
  makeDirectory,
  removeTree,
  streamInput,
  syncDirectory,
  temporaryBeside,
  openDestination,
} from "@cryopod/host"
import { failureOn } from "@cryopod/rest"
import * as Effect from "effect/Effect"
import type * as HttpClientError from "effect/http/HttpClientError"
import type * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Stream from "effect/Stream"
import { ask, type Remote } from "../Remote.ts"
import { receive, toldBehind } from "../transfer.ts"
import { onImage } from "./onImage.ts"

interface SaveOptions {
  readonly destination: ArchiveDestination
  readonly format: string
}

const formats = ["docker-archive", "oci-archive", "oci-dir"]

export const save = Effect.fn("tunnel.save")(function* (
  remote: Remote,
  ref: string,
  { destination, format }: SaveOptions,
): Effect.fn.Return<void, ImageFailure> {
  if (!formats.includes(format)) {
    return yield* new OptionInvalid({
      option: "format",
      value: format,
      problem: `must be one of ${formats.join(", ")}`,
    })
  }
  const request = (wanted: string) =>
    onImage(ref, (params) =>
      ask(remote, remote.images.export({ params, query: { format: wanted }, responseMode: "decoded-and-response" })),
    )
  if (format === "oci-dir") {
    if (destination._tag === "Stream")
      return yield* new OptionInvalid({ option: "output", value: "", problem: "a directory needs a path" })
    return yield* saveDirectory(request("oci-archive"), destination.path)
  }
  yield* Effect.scoped(
    Effect.gen(function* () {
      const output = yield* openDestination(destination)
      const [, response] = yield* request(format)
      yield* receive(remote, response, { output, failures: imageFailures })
    }),
  )
})

/** What an image layout is made of. */
const layoutMember = /^(oci-layout|index\.json|blobs(\/[a-z0-9]+(\/[0-9a-f]+)?)?)$/

type Answer = readonly [
  body: Stream.Stream<Uint8Array, HttpClientError.HttpClientError>,
  response: HttpClientResponse.HttpClientResponse,
]

/** A new directory, whole under its name or not there. */
const saveDirectory = (request: Effect.Effect<Answer, ImageFailure>, path: string) =>
  Effect.scoped(
    Effect.gen(function* () {
      yield* refuseTaken(path)
      const half = yield* Effect.acquireRelease(
        Effect.succeed(temporaryBeside(path)),
        // after the rename there is nothing under this name
        (directory) => Effect.ignore(removeTree(directory)),
      )
      yield* makeDirectory(half)
      const [body, response] = yield* request
      const bytes = Stream.mapError(
        body,
        () => new StorageFailed({ operation: "read", path: "the archive", code: "ECONNABORTED" }),
      )
      yield* unpack(decompressed(yield* streamInput(bytes)), half, {
        archive: path,
        accepts: (name) => layoutMember.test(name),
        maxMembers: 1_000_000,
        maxBytes: Number.MAX_SAFE_INTEGER,
      })
      const { failure } = toldBehind(response)
      if (failure !== undefined) return yield* Effect.fail(failureOn(imageFailures, failure))
      yield* attempt("write", path, () => fs.promises.rename(half, path))
      yield* syncDirectory(dirname(resolve(path)))
    }),
  )

const refuseTaken = Effect.fnUntraced(function* (path: string) {
  yield* attemptSync("write to", dirname(path), () => fs.accessSync(dirname(resolve(path)), fs.constants.W_OK))
  const there = fs.statSync(path, { throwIfNoEntry: false })
  if (there === undefined || (there.isDirectory() && fs.readdirSync(path).length === 0)) return
  return yield* new StorageFailed({ operation: "save to", path, code: "EEXIST" })
})
