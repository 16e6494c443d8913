/** Images of another host behind the interface that every engine has. */
import { type ImageEngineShape, NotSupported } from "@cryopod/entities"
import * as Effect from "effect/Effect"
import { ask, each, filtersOf, found, hostOnly, isPathName, type Remote, textOnly } from "../Remote.ts"
import { bodyOf, calledBy } from "../transfer.ts"
import { build } from "./build.ts"
import { onImage } from "./onImage.ts"
import { lastLine } from "./progress.ts"
import { registryHeader } from "./registryHeader.ts"
import { save } from "./save.ts"

export const imageEngine = (remote: Remote): ImageEngineShape => {
  const list = (filter: ReadonlyArray<string>, all: boolean) =>
    ask(remote, remote.images.list({ query: { all, ...filtersOf(filter) } }))
  const removeOne = (ref: string, { force, ignore }: { readonly force: boolean; readonly ignore: boolean }) =>
    onImage(ref, (params) => ask(remote, remote.images.remove({ params, query: { force, ignore } }))).pipe(
      Effect.map(({ Deleted, Untagged }) => ({ untagged: Untagged ?? [], deleted: Deleted ?? [] })),
    )
  return {
    build: (context, options) => build(remote, context, options),
    import: (source, { changes, message, name }) =>
      Effect.scoped(
        Effect.gen(function* () {
          const { Id: id } = yield* ask(
            remote,
            remote.images.import({
              query: {
                change: changes,
                ...(message === "" ? {} : { message }),
                ...(name === undefined ? {} : { reference: name }),
              },
              payload: yield* bodyOf(source),
            }),
          )
          return id.replace(/^sha256:/, "")
        }),
      ).pipe(calledBy(source)),
    load: (source) =>
      Effect.scoped(
        Effect.gen(function* () {
          const { Names: names } = yield* ask(remote, remote.images.load({ payload: yield* bodyOf(source) }))
          return names
        }),
      ).pipe(calledBy(source)),
    save: (ref, options) => save(remote, ref, options),
    pull: (ref, flags) =>
      Effect.gen(function* () {
        const lines = yield* ask(
          remote,
          remote.images.pull({
            headers: yield* registryHeader(ref, flags),
            query: { reference: ref, tlsVerify: flags.tlsVerify, quiet: true, policy: "always" },
          }),
        )
        const last = yield* lastLine(remote, lines)
        return last?.id ?? (yield* Effect.fail(textOnly("the service told no id of the image", 500)))
      }),
    push: (ref, destination, flags) =>
      Effect.gen(function* () {
        const lines = yield* onImage(ref, (params) =>
          Effect.flatMap(registryHeader(destination || ref, flags), (headers) =>
            ask(
              remote,
              remote.images.push({
                params,
                headers,
                query: {
                  tlsVerify: flags.tlsVerify,
                  quiet: true,
                  ...(destination === "" ? {} : { destination }),
                  ...(flags.compressionFormat === "" ? {} : { compressionFormat: flags.compressionFormat }),
                },
              }),
            ),
          ),
        )
        yield* lastLine(remote, lines)
      }),
    tag: (ref, names) =>
      Effect.forEach(
        names,
        (name) => onImage(ref, (params) => ask(remote, remote.images.tag({ params, query: repositoryAndTag(name) }))),
        { discard: true },
      ),
    untag: (ref, names) =>
      Effect.forEach(
        names.length === 0 ? [undefined] : names,
        (name) =>
          onImage(ref, (params) =>
            ask(remote, remote.images.untag({ params, query: name === undefined ? {} : repositoryAndTag(name) })),
          ),
        { discard: true },
      ),
    remove: (refs, { all, force, ignore }) =>
      Effect.gen(function* () {
        // all images go with all their names
        const inputs = all ? (yield* hostOnly(list([], true))).map(({ Id }) => Id) : refs
        return yield* each(inputs, (ref) => removeOne(ref, { force, ignore }))
      }),
    list: ({ all, filter }, refs) =>
      Effect.gen(function* () {
        const rows = yield* list(filter, all)
        if (refs.length === 0) return rows
        const named = new Set(
          (yield* list(
            refs.map((ref) => `reference=${ref}`),
            true,
          )).map(({ Id }) => Id),
        )
        return rows.filter(({ Id }) => named.has(Id))
      }),
    inspect: (ref) => onImage(ref, (params) => ask(remote, remote.images.inspect({ params, query: {} }))),
    exists: (ref) =>
      isPathName(ref) ? found(ask(remote, remote.images.exists({ params: { name: ref } }))) : Effect.succeed(false),
    tree: (ref) =>
      onImage(ref, (params) =>
        Effect.flatMap(ask(remote, remote.images.tree({ params, query: {} })), ({ document }) =>
          document === undefined
            ? Effect.fail(new NotSupported({ what: "the tree of an image as a document" }))
            : Effect.succeed(document),
        ),
      ),
  }
}

/** `quay.io/team/web:2` in two parts, as the query has it. */
const repositoryAndTag = (name: string): { readonly repo: string; readonly tag?: string } => {
  const colon = name.lastIndexOf(":")
  return colon > name.lastIndexOf("/") ? { repo: name.slice(0, colon), tag: name.slice(colon + 1) } : { repo: name }
}
