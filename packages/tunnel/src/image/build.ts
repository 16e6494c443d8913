/** A build on another host: the context goes there as an archive, and what is said comes back line by line. */
import * as fs from "node:fs"
import { tmpdir } from "node:os"
import { basename, isAbsolute, join, relative, resolve } from "node:path"
import {
  type BuildContext,
  BuildFailed,
  type BuildOptions,
  ContainerfileMissing,
  type ImageFailure,
  imageFailures,
  keyValues,
  newName,
  pullPolicyOf,
  StorageFailed,
} from "@cryopod/entities"
import { attemptSync, outputOf } from "@cryopod/host"
import { failureOn } from "@cryopod/rest"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { ask, type Remote, textOnly } from "../Remote.ts"

export const build = Effect.fnUntraced(function* (
  remote: Remote,
  context: BuildContext,
  options: BuildOptions,
): Effect.fn.Return<string, ImageFailure> {
  // Podman's service takes any word
  yield* Effect.fromResult(pullPolicyOf(options.pull))
  for (const tag of options.tag) yield* Effect.fromResult(newName(tag, "build"))
  return yield* Effect.scoped(
    Effect.gen(function* () {
      const body = yield* bodyOf(context, options.file)
      const names = new Map(body.files.map((file, at) => [file, options.file[at] ?? file]))
      return yield* Effect.mapError(sent(remote, body, options), (failure) => asNamedHere(failure, names))
    }),
  )
})

/** Succeeds with the image's id. */
const sent = Effect.fnUntraced(function* (
  remote: Remote,
  { files, name, payload }: Body,
  { buildArg, label, output, target, ...options }: BuildOptions,
): Effect.fn.Return<string, ImageFailure> {
  const lines = yield* ask(
    remote,
    remote.images.build({
      query: {
        tag: options.tag,
        squash: options.squash,
        quiet: options.quiet,
        noCache: options.noCache,
        tlsVerify: options.tlsVerify,
        pull: options.pull,
        ...(target === "" ? {} : { target }),
        ...(files.length === 0 ? {} : { file: JSON.stringify(files) }),
        ...(name === undefined ? {} : { contextDirectory: name }),
        ...(buildArg.length === 0 ? {} : { buildArg: keyValues(buildArg) }),
        ...(label.length === 0 ? {} : { label }),
      },
      payload,
    }),
  )
  let id = ""
  yield* ask(
    remote,
    Stream.runForEach(lines, ({ errorDetail, error = errorDetail?.message, failure, stream = "" }) => {
      if (failure !== undefined) return Effect.fail(failureOn(imageFailures, failure))
      if (error !== undefined) return Effect.fail(failed(error))
      // the id stands in a line of its own, behind all others
      const text = id === "" ? stream : `${id}\n${stream}`
      id = isId.test(stream) ? stream.trim() : ""
      const said = id === "" ? text : text.slice(0, text.length - stream.length)
      return said === "" ? Effect.void : output("stdout", new TextEncoder().encode(said))
    }),
  )
  return id === "" ? yield* Effect.fail(textOnly("the service told no id of the image", 500)) : id
})

/** What is missing is called what the caller calls it; what it is called in the archive is nobody's business. */
const asNamedHere = (failure: ImageFailure, names: ReadonlyMap<string, string>): ImageFailure =>
  failure instanceof ContainerfileMissing
    ? new ContainerfileMissing({ path: names.get(failure.path) ?? failure.path, reason: failure.reason })
    : failure

const isId = /^[0-9a-f]{64}\n$/

/** Podman's service tells a failure by its text alone; the status of the program that failed stands at its end. */
const failed = (text: string) =>
  new BuildFailed({ detail: text, exitStatus: Number(/exit status (\d+)$/.exec(text.trim())?.[1] ?? 125) })

interface Body {
  readonly payload: Stream.Stream<Uint8Array, StorageFailed>
  /** Containerfiles, as they are called in the archive. */
  readonly files: ReadonlyArray<string>
  /** What the caller calls the directory; Podman's service does not ask. */
  readonly name: string | undefined
}

/** The context as an archive, with the Containerfiles that lie elsewhere under names of their own. */
const bodyOf = Effect.fnUntraced(function* (
  context: BuildContext,
  named: ReadonlyArray<string>,
): Effect.fn.Return<Body, ContainerfileMissing | StorageFailed, Scope.Scope> {
  if (context._tag === "Stream") return { payload: context.bytes, files: named, name: context.name }
  const { path } = context
  const members = ["-C", path, "."]
  const files = yield* Effect.forEach(named, (name) =>
    Effect.gen(function* () {
      const full = isAbsolute(name) ? name : resolve(path, name)
      if (!fs.existsSync(full)) return yield* new ContainerfileMissing({ path: name, reason: "named" })
      const inside = fs.statSync(full).isFile() ? relative(fs.realpathSync(path), fs.realpathSync(full)) : ".."
      if (!inside.startsWith("..")) return inside
      const text = yield* attemptSync("read", name, () => fs.readFileSync(full, "utf8"))
      const directory = yield* temporaryDirectory
      const copy = `.${basename(directory)}`
      yield* attemptSync("write", copy, () => fs.writeFileSync(join(directory, copy), text))
      members.push("-C", directory, copy)
      return copy
    }),
  )
  const blocks = outputOf("tar", ["--create", "--file=-", ...members])
  return {
    files,
    name: path,
    payload: Stream.fromAsyncIterable(blocks, () => new StorageFailed({ operation: "read", path, code: "EIO" })),
  }
})

const temporaryDirectory = Effect.acquireRelease(
  attemptSync("make directory", tmpdir(), () => fs.mkdtempSync(join(tmpdir(), "containerfile-"))),
  (directory) => Effect.sync(() => fs.rmSync(directory, { recursive: true, force: true })),
)
