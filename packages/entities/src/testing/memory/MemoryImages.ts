/** The images of an engine in memory. */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import { OptionInvalid } from "../../failures/ContainerFailures.ts"
import {
  ArchiveInvalid,
  ImageHasNames,
  ImageInUse,
  ImageNotFound,
  TransportFailed,
} from "../../failures/ImageFailures.ts"
import type { HostFailure, ImageFailure } from "../../failures/index.ts"
import type { ArchiveSource, BuildOptions, ImageEngineShape } from "../../ImageEngine.ts"
import type { Items } from "../../Item.ts"
import type { PullFlags } from "../../options/ImageOptions.ts"
import type { ImageInspect, ImageRemoval, ImageSummary } from "../../reports/ImageReports.ts"
import { isCheckpointImage } from "../../values/CheckpointAnnotations.ts"
import { filterImages, matchesReference } from "../../values/ImageFilter.ts"
import { findImage, type Found, repositoryOfName } from "../../values/ImageLookup.ts"
import { newName, parsePlace, parseReference, remoteName } from "../../values/Reference.ts"
import { collectBytes } from "./Files.ts"
import { bytesOf, loginIn, nameOf, readDirectory, writeDirectory, writeFile } from "./HostFiles.ts"
import {
  type CarriedImage,
  filesOfArchive,
  imagesOfLayout,
  layoutFiles,
  layoutTar,
  makeImageBytes,
  readImage,
  recompressed,
} from "./ImageDocuments.ts"
import { memoryBuild } from "./MemoryBuild.ts"
import {
  digestOf,
  type ImageConfig,
  instant,
  type MemoryContainer,
  type MemoryHost,
  type MemoryImage,
} from "./MemoryHost.ts"
import { decompressed } from "./Snapshot.ts"

/** What an image operation may do to containers: those made from an image that is removed by force go with it. */
export type RemoveContainer = (container: MemoryContainer) => Effect.Effect<void>

export const memoryImages = (host: MemoryHost, removeContainer: RemoveContainer): ImageEngineShape => {
  const find = (ref: string): Effect.Effect<Found<MemoryImage>, ImageFailure> =>
    Effect.suspend(() => Effect.fromResult(findImage(host.images, ref)))
  const resolve = (ref: string) => Effect.map(find(ref), ({ image }) => image)
  const usersOf = ({ id }: MemoryImage) => host.containers.filter(({ config }) => config.imageId === id)

  const fetched = (ref: string, { tlsVerify }: BuildOptions) =>
    Effect.flatMap(fetchImage(host, ref, { tlsVerify, creds: "", authfile: "" }), ({ bytes }) => readImage(bytes, ref))

  return {
    build: Effect.fnUntraced(function* (context, options) {
      const names = yield* Effect.forEach(options.tag, (tag) => Effect.fromResult(newName(tag, "build")))
      const image = yield* memoryBuild(context, options, {
        local: (ref) => Effect.option(resolve(ref)),
        remote: (ref) => fetched(ref, options),
      })
      return (yield* takeIn(host, image, names)).id
    }),
    import: Effect.fnUntraced(function* (source, { changes, message, name }) {
      const names = name === undefined ? [] : [yield* Effect.fromResult(newName(name))]
      const execution = yield* Effect.fromResult(applyChanges(changes))
      const layer = yield* collectBytes(bytesOf(source))
      if (layer.length === 0) return yield* new ArchiveInvalid({ archive: nameOf(source), problem: "is empty" })
      const plain = yield* collectBytes(decompressed(Stream.make(layer), nameOf(source)))
      const bytes = makeImageBytes({
        layer,
        diffId: digestOf(plain),
        created: yield* instant,
        execution,
        comment: message === "" ? "imported from tarball" : message,
        annotations: {},
      })
      return (yield* takeIn(host, yield* readImage(bytes, nameOf(source)), names)).id
    }),
    load: Effect.fnUntraced(function* (source) {
      const carried = yield* imagesIn(source)
      return (yield* Effect.forEach(carried, ({ bytes, names }) =>
        Effect.gen(function* () {
          const full = names.flatMap((name) =>
            Result.getOrElse(
              Result.map(newName(name), (one) => [one]),
              () => [],
            ),
          )
          const image = yield* takeIn(host, yield* readImage(bytes, nameOf(source)), full)
          return full.length > 0 ? full : [`sha256:${image.id}`]
        }),
      )).flat()
    }),
    save: Effect.fnUntraced(function* (ref, { destination, format }) {
      if (!saveFormats.includes(format)) {
        const problem = `must be one of ${saveFormats.join(", ")}`
        return yield* new OptionInvalid({ option: "format", value: format, problem })
      }
      const { image, name } = yield* find(ref)
      const carried = { bytes: image, names: name === undefined || name.includes("@") ? [] : [name] }
      const files = layoutFiles(carried, format === "docker-archive" ? "docker" : "oci")
      if (destination._tag === "File") {
        yield* format === "oci-dir"
          ? writeDirectory(destination.path, files)
          : writeFile(destination.path, layoutTar(files))
      } else if (format === "oci-dir") {
        return yield* new OptionInvalid({ option: "output", value: "", problem: "a directory needs a path" })
      } else yield* Stream.runForEach(layoutTar(files), destination.write)
    }),
    pull: Effect.fnUntraced(function* (ref, flags) {
      const { bytes, names } = yield* fetchImage(host, ref, flags)
      return (yield* takeIn(host, yield* readImage(bytes, ref), names)).id
    }),
    push: Effect.fnUntraced(function* (ref, destination, flags) {
      const { compressionFormat: value } = flags
      if (value !== "" && value !== "gzip" && value !== "zstd") {
        return yield* new OptionInvalid({ option: "compression-format", value, problem: "must be gzip or zstd" })
      }
      const { image, name } = yield* find(ref)
      const target = destination === "" ? (name ?? ref) : destination
      const place = yield* Effect.fromResult(parsePlace(target))
      const bytes = value === "" ? image : yield* recompressed(image, value)
      if (place._tag === "Registry") {
        yield* mayEnter(host, place.name, { operation: "push", ref: target, flags })
        host.registry.images.set(place.name, bytes)
        return
      }
      const unsupported = new TransportFailed({ operation: "push", ref: target, detail: "is not known in memory" })
      if (place._tag === "Other" || place.transport === "dir") return yield* unsupported
      const files = layoutFiles(
        { bytes, names: place.ref === undefined ? [] : [place.ref] },
        place.transport === "docker-archive" ? "docker" : "oci",
      )
      yield* place.transport === "oci" ? writeDirectory(place.path, files) : writeFile(place.path, layoutTar(files))
    }),
    tag: Effect.fnUntraced(function* (ref, names) {
      const full = yield* Effect.forEach(names, (name) => Effect.fromResult(newName(name)))
      assignNames(host, (yield* resolve(ref)).id, full)
    }),
    untag: Effect.fnUntraced(function* (ref, names) {
      const image = yield* resolve(ref)
      const gone = yield* Effect.forEach(names, (name) => {
        const meant = Result.getOrUndefined(findImage([image], name))?.name
        return meant === undefined ? Effect.fromResult(newName(name, "untag")) : Effect.succeed(meant)
      })
      const foreign = gone.find((name) => !image.names.includes(name))
      if (foreign !== undefined) return yield* new ImageNotFound({ ref: foreign })
      dropNames(host, image.id, names.length === 0 ? image.names : gone)
    }),
    remove: (refs, options) =>
      Effect.suspend((): Effect.Effect<Items<ImageRemoval, ImageFailure>, HostFailure> => {
        const inputs = options.all ? host.images.map(({ id }) => id) : refs
        return Effect.forEach(inputs, (input) =>
          Effect.map(Effect.result(removeOne(input, options)), (result) => ({ input, result })),
        )
      }),
    list: Effect.fnUntraced(function* (flags, refs) {
      const filtered = yield* Effect.fromResult(filterImages(host.images, flags.filter))
      const wanted =
        refs.length === 0 ? filtered : filtered.filter((image) => refs.some((ref) => matchesReference(image, ref)))
      return wanted.map((image) => summaryOf(image, usersOf(image).length))
    }),
    inspect: (ref) => Effect.map(resolve(ref), inspectOf),
    exists: (ref) =>
      resolve(ref).pipe(
        Effect.as(true),
        Effect.catch(() => Effect.succeed(false)),
      ),
    tree: (ref) =>
      Effect.map(resolve(ref), (image) => ({
        Id: image.id,
        Tags: repoTagsOf(image),
        Size: sizeOf(image),
        Layers: [{ diffId: image.diffId, sizeBytes: image.layer.length, tags: repoTagsOf(image) }],
      })),
  }

  function removeOne(
    ref: string,
    { all, force, ignore }: { readonly all: boolean; readonly force: boolean; readonly ignore: boolean },
  ): Effect.Effect<ImageRemoval, ImageFailure> {
    return Effect.gen(function* () {
      const found = yield* Effect.result(find(ref))
      if (Result.isFailure(found)) {
        const missing = found.failure._tag === "ImageNotFound"
        return missing && ignore ? { untagged: [], deleted: [] } : yield* found.failure
      }
      const { image, name } = found.success
      const others = image.names.filter((other) => other !== name)
      if (name !== undefined && others.length > 0) {
        dropNames(host, image.id, [name])
        return { untagged: [name], deleted: [] }
      }
      if (name === undefined && image.names.length > 1 && !(all || force)) {
        return yield* new ImageHasNames({ id: image.id, names: image.names })
      }
      if (force) yield* Effect.forEach(usersOf(image), removeContainer, { discard: true })
      const [user] = usersOf(image)
      if (user !== undefined) return yield* new ImageInUse({ id: image.id, container: user.id })
      host.images.splice(
        host.images.findIndex(({ id }) => id === image.id),
        1,
      )
      return { untagged: image.names, deleted: [image.id] }
    })
  }
}

const saveFormats: ReadonlyArray<string> = ["docker-archive", "oci-archive", "oci-dir"]

/** The image of the store with these names too; one that was there keeps its other names. */
export const takeIn = (
  host: MemoryHost,
  image: MemoryImage,
  names: ReadonlyArray<string>,
): Effect.Effect<MemoryImage> =>
  Effect.sync(() => {
    if (!host.images.some(({ id }) => id === image.id)) host.images.unshift(image)
    assignNames(host, image.id, names)
    return host.images.find(({ id }) => id === image.id) ?? image
  })

/** As containers/storage counts: the manifest twice. */
const sizeOf = ({ config, layer, manifest }: MemoryImage): number => layer.length + 2 * manifest.length + config.length

/** A name belongs to one image at a time; the last given stands first. */
const assignNames = (host: MemoryHost, id: string, names: ReadonlyArray<string>): void => {
  for (const [at, image] of host.images.entries()) {
    const others = image.names.filter((name) => !names.includes(name))
    const now = image.id === id ? [...new Set([...names.toReversed(), ...others])] : others
    if (now.length !== image.names.length || image.id === id) host.images[at] = { ...image, names: now }
  }
}

const dropNames = (host: MemoryHost, id: string, names: ReadonlyArray<string>): void => {
  const at = host.images.findIndex((image) => image.id === id)
  const image = host.images[at]
  if (image !== undefined) host.images[at] = { ...image, names: image.names.filter((name) => !names.includes(name)) }
}

/** The images of an archive or of a directory. */
const imagesIn = Effect.fnUntraced(function* (
  source: ArchiveSource,
): Effect.fn.Return<ReadonlyArray<CarriedImage>, ImageFailure> {
  const directory = source._tag === "File" ? yield* readDirectory(source.path) : undefined
  return yield* imagesOfLayout(directory ?? (yield* filesOfArchive(bytesOf(source), nameOf(source))), nameOf(source))
})

type Access = Pick<PullFlags, "tlsVerify" | "creds" | "authfile">

const fetchImage = Effect.fnUntraced(function* (
  host: MemoryHost,
  ref: string,
  flags: Access,
): Effect.fn.Return<CarriedImage, ImageFailure> {
  const place = yield* Effect.fromResult(parsePlace(ref))
  const missing = (detail: string) => new TransportFailed({ operation: "pull", ref, detail })
  if (place._tag === "Registry") {
    yield* mayEnter(host, place.name, { operation: "pull", ref, flags })
    const bytes = host.registry.images.get(place.name)
    if (bytes === undefined) return yield* missing("manifest unknown")
    return { bytes, names: [yield* Effect.fromResult(remoteName(place.name))] }
  }
  if (place._tag === "Other" || place.transport === "dir") return yield* missing("is not known in memory")
  const images = yield* imagesIn({ _tag: "File", path: place.path })
  const [found] = place.ref === undefined ? images : images.filter(({ names }) => names.includes(place.ref ?? ""))
  if (found === undefined) return yield* missing("there is no such image in it")
  const full = found.names.flatMap((name) =>
    Result.getOrElse(
      Result.map(newName(name), (one) => [one]),
      () => [],
    ),
  )
  return { bytes: found.bytes, names: full }
})

/** What a registry refuses: HTTPS where it speaks none, and strangers where it wants a login. */
const mayEnter = Effect.fnUntraced(function* (
  { registry: { logins, plain } }: MemoryHost,
  name: string,
  { flags, operation, ref }: { readonly operation: "pull" | "push"; readonly ref: string; readonly flags: Access },
): Effect.fn.Return<void, ImageFailure> {
  const registry = Result.getOrUndefined(parseReference(name))?.registry ?? ""
  const refused = (detail: string) => new TransportFailed({ operation, ref, detail })
  if (plain.has(registry) && flags.tlsVerify) {
    return yield* refused("http: server gave HTTP response to HTTPS client")
  }
  const login = logins.get(registry)
  if (login === undefined) return
  const given = flags.creds !== "" ? flags.creds : flags.authfile === "" ? "" : yield* loginIn(flags.authfile, registry)
  if (given !== login) return yield* refused("authentication required")
})

/** As much of Dockerfile's language as the suite speaks; commands are JSON or a line for a shell. */
export const applyChanges = (changes: ReadonlyArray<string>): Result.Result<ImageConfig, OptionInvalid> => {
  let config: ImageConfig = {}
  for (const change of changes) {
    const [, key = "", text = ""] = /^\s*([A-Za-z]+)(?:\s+|=)(.*)$/s.exec(change) ?? []
    const words = text.startsWith("[") ? (JSON.parse(text) as ReadonlyArray<string>) : ["/bin/sh", "-c", text]
    const [name = "", value = ""] = text.split(/=(.*)/s)
    switch (key.toUpperCase()) {
      case "CMD":
        config = { ...config, Cmd: words }
        break
      case "ENTRYPOINT":
        config = { ...config, Entrypoint: words }
        break
      case "ENV":
        config = { ...config, Env: [...(config.Env ?? []), text] }
        break
      case "LABEL":
        config = { ...config, Labels: { ...config.Labels, [name]: value } }
        break
      case "USER":
        config = { ...config, User: text }
        break
      case "WORKDIR":
        config = { ...config, WorkingDir: text }
        break
      case "VOLUME":
        config = {
          ...config,
          Volumes: { ...config.Volumes, ...Object.fromEntries(text.split(/\s+/).map((path) => [path, {}])) },
        }
        break
      case "STOPSIGNAL":
        config = { ...config, StopSignal: text }
        break
      default:
        return Result.fail(
          new OptionInvalid({
            option: "change",
            value: change,
            problem: "is none of CMD, ENTRYPOINT, ENV, LABEL, STOPSIGNAL, USER, VOLUME, WORKDIR",
          }),
        )
    }
  }
  return Result.succeed(config)
}

const repoTagsOf = ({ names }: MemoryImage) => names.filter((name) => !name.includes("@"))
const repoDigestsOf = ({ manifestDigest, names }: MemoryImage) =>
  [...new Set(names.map((name) => `${repositoryOfName(name)}@${manifestDigest}`))].toSorted()

const summaryOf = (image: MemoryImage, containers: number): ImageSummary => ({
  Id: image.id,
  ParentId: "",
  RepoTags: repoTagsOf(image),
  RepoDigests: repoDigestsOf(image),
  Created: Math.floor(Date.parse(image.created) / 1000),
  CreatedAt: image.created,
  Size: sizeOf(image),
  SharedSize: 0,
  VirtualSize: sizeOf(image),
  Labels: image.labels,
  Containers: containers,
  Names: image.names,
  Digest: image.manifestDigest,
  Dangling: image.names.length === 0,
  Checkpoint: isCheckpointImage(image.annotations),
})

const inspectOf = (image: MemoryImage): ImageInspect => ({
  Id: image.id,
  Digest: image.manifestDigest,
  RepoTags: repoTagsOf(image),
  RepoDigests: repoDigestsOf(image),
  Parent: "",
  Comment: image.comment,
  Created: image.created,
  Config: image.execution,
  Version: "",
  Author: "",
  Architecture: image.architecture,
  Os: "linux",
  Size: sizeOf(image),
  VirtualSize: sizeOf(image),
  GraphDriver: { Name: "overlay", Data: {} },
  RootFS: { Type: "layers", Layers: [image.diffId] },
  Labels: image.execution.Labels ?? null,
  Annotations: image.annotations,
  ManifestType: "application/vnd.oci.image.manifest.v1+json",
  User: image.execution.User ?? "",
  History: [{ created: image.created, comment: image.comment }],
  NamesHistory: image.names,
})
