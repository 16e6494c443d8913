/** Images: told of, moved, named, removed. */
import {
  ImageEngine,
  type ImageFailure,
  ImageNotFound,
  OptionInvalid,
  type Items,
  NotSupported,
} from "@cryopod/entities"
import { LibpodApi, toWire } from "@cryopod/rest"
import * as Effect from "effect/Effect"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { bodyArchive } from "../bodyArchive.ts"
import { exportStream } from "../exportStream.ts"
import { filterWords } from "../filterWords.ts"
import { registryCredentials } from "../images/registryCredentials.ts"
import { registryReference } from "../images/registryReference.ts"
import { treeText } from "../images/treeText.ts"
import { buildStream } from "../images/buildStream.ts"
import { pruned } from "../pruned.ts"

const created = HttpServerResponse.empty({ status: 201 })

/** Archives in the formats of `save`; a directory goes as the archive of it. */
const exported = (engine: ImageEngine["Service"], scope: Scope.Scope, ref: string, format = "oci-archive") =>
  exportStream(scope, (destination) =>
    engine.save(ref, { destination, format: format === "oci-dir" ? "oci-archive" : format }),
  )

export const imageHandlers = HttpApiBuilder.group(LibpodApi, "images", (handlers) =>
  Effect.gen(function* () {
    const engine = yield* ImageEngine
    const scope = yield* Effect.scope

    return handlers.handleAll({
      list: ({ query }) => engine.list({ all: query.all ?? false, filter: filterWords(query.filters) }, []),
      exists: ({ params }) =>
        Effect.flatMap(engine.exists(params.name), (exists) =>
          exists ? Effect.void : Effect.fail(new ImageNotFound({ ref: params.name })),
        ),
      inspect: ({ params }) => engine.inspect(params.name),
      tree: ({ params, query }) =>
        Effect.gen(function* () {
          if (query.whatrequires === true) return yield* new NotSupported({ what: "whatrequires of an image's tree" })
          const tree = yield* engine.tree(params.name)
          return { Tree: treeText(tree), document: tree }
        }),
      pull: ({ headers, query }) =>
        Effect.gen(function* () {
          const reference = yield* Effect.fromResult(registryReference("reference", query.reference ?? ""))
          const policy = yield* Effect.fromResult(policyOf(query.policy ?? "always"))
          const other = query.arch ?? query.os ?? query.variant
          if (other !== undefined) return yield* new NotSupported({ what: `images of another platform (${other})` })
          if (query.allTags === true) return yield* new NotSupported({ what: "all tags of an image in one pull" })
          const creds = yield* Effect.fromResult(registryCredentials(headers["x-registry-auth"], reference))
          if ((policy === "missing" || policy === "never") && (yield* engine.exists(reference))) {
            return Stream.make(pulled((yield* engine.inspect(reference)).Id))
          }
          if (policy === "never") return yield* new ImageNotFound({ ref: reference })
          const access = { tlsVerify: query.tlsVerify ?? true, authfile: "", creds, quiet: true }
          const end = Effect.map(engine.pull(reference, access), pulled).pipe(
            Effect.catch((failure) => Effect.succeed({ error: failure.message, failure: toWire(failure) })),
          )
          const said = query.quiet === true ? [] : [{ stream: `Trying to pull ${reference}...\n` }]
          return Stream.concat(Stream.fromIterable(said), Stream.fromEffect(end))
        }),
      push: ({ headers, params, query }) =>
        Effect.gen(function* () {
          const destination =
            query.destination === undefined
              ? ""
              : yield* Effect.fromResult(registryReference("destination", query.destination))
          const creds = yield* Effect.fromResult(
            registryCredentials(headers["x-registry-auth"], destination || params.name),
          )
          const push = engine.push(params.name, destination, {
            tlsVerify: query.tlsVerify ?? true,
            authfile: "",
            creds,
            quiet: true,
            compressionFormat: query.compressionFormat ?? "",
          })
          // clients from before there was progress send nothing, and look at the status
          if (query.quiet ?? true) return yield* Effect.as(push, Stream.empty)
          const end = push.pipe(
            Effect.map(() => ({ stream: "Writing manifest to image destination\n" })),
            Effect.catch((failure) => Effect.succeed({ error: failure.message, failure: toWire(failure) })),
          )
          return Stream.concat(Stream.make({ stream: "Getting image source signatures\n" }), Stream.fromEffect(end))
        }),
      build: ({ payload, query }) => buildStream(engine, query, payload),
      load: ({ payload }) => Effect.map(engine.load(bodyArchive(payload)), (names) => ({ Names: names })),
      import: ({ payload, query }) =>
        Effect.gen(function* () {
          if (query.url !== undefined)
            return yield* new OptionInvalid({ option: "url", value: query.url, problem: "the archive is the body" })
          const id = yield* engine.import(bodyArchive(payload), {
            changes: query.change ?? [],
            message: query.message ?? "",
            ...(query.reference === undefined ? {} : { name: query.reference }),
          })
          return { Id: id }
        }),
      export: ({ params, query }) => exported(engine, scope, params.name, query.format),
      exportSeveral: ({ query }) =>
        Effect.gen(function* () {
          const [only, ...others] = query.references ?? []
          if (only === undefined)
            return yield* new OptionInvalid({ option: "references", value: "", problem: "no references" })
          if (others.length > 0) return yield* new NotSupported({ what: "several images in one archive" })
          return yield* exported(engine, scope, only, query.format)
        }),
      tag: ({ params, query }) =>
        Effect.gen(function* () {
          if (query.repo === undefined)
            return yield* new OptionInvalid({
              option: "repo",
              value: "",
              problem: "repo parameter is required to tag an image",
            })
          yield* engine.tag(params.name, [nameOf(query.repo, query.tag)])
          return created
        }),
      untag: ({ params, query }) =>
        Effect.gen(function* () {
          if (query.repo === undefined && query.tag !== undefined)
            return yield* new OptionInvalid({
              option: "repo",
              value: "",
              problem: "repo parameter is required to tag an image",
            })
          yield* engine.untag(params.name, query.repo === undefined ? [] : [nameOf(query.repo, query.tag)])
          return created
        }),
      remove: ({ params, query }) =>
        Effect.gen(function* () {
          const items = yield* engine.remove([params.name], {
            all: false,
            force: query.force ?? false,
            ignore: query.ignore ?? false,
          })
          for (const { result } of items) yield* Effect.fromResult(result)
          return removalOf(items)
        }),
      removeSeveral: ({ query }) =>
        Effect.map(
          engine.remove(query.images ?? [], {
            all: query.all ?? false,
            force: query.force ?? false,
            ignore: query.ignore ?? false,
          }),
          removalOf,
        ),
      prune: ({ query }) =>
        Effect.gen(function* () {
          const rows = yield* engine.list({ all: true, filter: filterWords(query.filters) }, [])
          const unused = rows.filter((row) => row.Containers === 0 && (query.all === true || row.Dangling))
          const removals = yield* Effect.forEach(unused, ({ Id: id, Size: size }) =>
            Effect.map(engine.remove([id], { all: false, force: true, ignore: true }), (items) =>
              pruned(items, query.failures).map((one) => ({ ...one, Size: one.failure === undefined ? size : 0 })),
            ),
          )
          return removals.flat()
        }),
    })
  }),
)

/** A name without a tag is left so: the engine knows what it means. */
const nameOf = (repository: string, tag: string | undefined) =>
  tag === undefined ? repository : `${repository}:${tag}`

const pulled = (id: string) => ({ images: [id], id })

const policies = ["always", "missing", "newer", "never"]

const policyOf = (text: string): Result.Result<string, OptionInvalid> => {
  const policy = text.toLowerCase()
  return policies.includes(policy)
    ? Result.succeed(policy)
    : Result.fail(new OptionInvalid({ option: "policy", value: text, problem: `use one of ${policies.join(", ")}` }))
}

const removalOf = (
  items: Items<{ readonly untagged: ReadonlyArray<string>; readonly deleted: ReadonlyArray<string> }, ImageFailure>,
) => {
  const reports = items.flatMap(({ result }) => (Result.isSuccess(result) ? [result.success] : []))
  const failures = items.flatMap(({ input, result }) =>
    Result.isFailure(result) ? [{ input, failure: result.failure }] : [],
  )
  return {
    Deleted: reports.flatMap(({ deleted }) => deleted),
    Untagged: reports.flatMap(({ untagged }) => untagged),
    ExitCode: failures.reduce((status, { failure }) => Math.max(status, exitStatus(failure)), 0),
    Errors: failures.map(({ failure }) => failure.message),
    failures: failures.map(({ failure, input }) => ({ input, failure: toWire(failure) })),
  }
}

/** The exit status that `rmi` gives: 1 for what is not there, 2 for what is in use. */
const exitStatus = ({ _tag: tag }: ImageFailure): number =>
  tag === "ImageNotFound" ? 1 : tag === "ImageInUse" ? 2 : 125
