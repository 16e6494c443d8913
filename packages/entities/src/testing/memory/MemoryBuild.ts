/** Images built in memory: as much of a Containerfile as the suite speaks, an instruction a line. */
import * as fs from "node:fs"
import { isAbsolute, join } from "node:path"
import * as Deferred from "effect/Deferred"
import * as Tar from "effect/encoding/Tar"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import { BuildFailed, ContainerfileMissing } from "../../failures/ImageFailures.ts"
import type { ImageFailure } from "../../failures/index.ts"
import type { BuildContext, BuildOptions } from "../../ImageEngine.ts"
import { pullPolicyOf } from "../../options/ImageOptions.ts"
import { collectBytes, type Files, type ReadonlyFiles, readTar, resolvePath, textOf } from "./Files.ts"
import { readDirectory } from "./HostFiles.ts"
import { makeImageBytes, readImage } from "./ImageDocuments.ts"
import { digestOf, type ImageConfig, instant, type MemoryImage } from "./MemoryHost.ts"
import { applyChanges } from "./MemoryImages.ts"
import { startProcess } from "./Process.ts"
import { type Machine, programOf } from "./Shell.ts"
import { decompressed } from "./Snapshot.ts"
import { splitPair } from "../../values/KeyValues.ts"

/** Where base images come from. */
export interface BaseImages {
  readonly local: (ref: string) => Effect.Effect<Option.Option<MemoryImage>>
  readonly remote: (ref: string) => Effect.Effect<MemoryImage, ImageFailure>
}

interface Stage {
  readonly name: string
  readonly files: Files
  config: ImageConfig
}

export const memoryBuild = Effect.fnUntraced(function* (
  context: BuildContext,
  options: BuildOptions,
  bases: BaseImages,
): Effect.fn.Return<MemoryImage, ImageFailure> {
  yield* Effect.fromResult(pullPolicyOf(options.pull))
  const files = yield* contextFiles(context)
  const steps = (yield* containerfileIn(context, files, options.file))
    .split("\n")
    .filter((line) => /^\s*[^#\s]/.test(line))
    .map((line) => line.trim())
  const given = new Map(options.buildArg.map(splitPair))
  const known = new Map<string, string>()
  const stages: Array<Stage> = []
  const say = (text: string) =>
    options.quiet ? Effect.void : options.output("stdout", new TextEncoder().encode(`${text}\n`))

  for (const [at, line] of steps.entries()) {
    const [word = "", ...words] = line
      .replaceAll(/\$(?:\{(\w+)\}|(\w+))/g, (_, braced, bare) => known.get(braced ?? bare) ?? "")
      .split(/\s+/)
    if (word === "FROM" && options.target !== "" && stages.at(-1)?.name === options.target) break
    yield* say(`STEP ${at + 1}/${steps.length}: ${line}`)
    const failed = (detail: string, exitStatus = 125) =>
      new BuildFailed({ detail: `building at STEP ${JSON.stringify(line)}: ${detail}`, exitStatus })
    const stage = stages.at(-1)
    if (word === "FROM") {
      const base = yield* baseOf(words[0] ?? "", options, bases)
      stages.push({ name: words[2] ?? "", files: new Map(base.files), config: base.execution })
    } else if (word === "ARG") {
      const [name, fallback] = splitPair(words[0] ?? "")
      known.set(name, given.get(name) ?? fallback)
    } else if (stage === undefined) {
      return yield* failed("no build stage in current context")
    } else if (word === "RUN") {
      const env = [...(stage.config.Env ?? []), ...[...known].map((pair) => pair.join("="))]
      const status = yield* runIn(stage.files, env, words.join(" "), options)
      if (status !== 0) return yield* failed(`while running runtime: exit status ${status}`, status)
    } else if (word === "COPY") {
      const from = words[0]?.startsWith("--from=") === true ? words.shift()?.slice("--from=".length) : undefined
      const source = from === undefined ? files : stages.find(({ name }) => name === from)?.files
      const [path = "", target = ""] = words
      const node = source?.get(resolvePath("/", path))
      if (node === undefined) {
        const sources = JSON.stringify(from ?? contextName(context))
        return yield* failed(`checking on sources under ${sources}: ${path}: no such file or directory`)
      }
      stage.files.set(resolvePath("/", target), node)
    } else {
      const changed = applyChanges([`${word} ${words.join(" ")}`])
      if (Result.isFailure(changed)) return yield* failed(`Build error: Unknown instruction: "${word}"`)
      stage.config = { ...stage.config, ...changed.success, Labels: merged(stage.config, changed.success) }
    }
  }
  const last = stages.at(-1)
  if (last === undefined || (options.target !== "" && last.name !== options.target)) {
    return yield* new BuildFailed({
      detail: `The target ${JSON.stringify(options.target)} was not found in the provided Dockerfile`,
      exitStatus: 125,
    })
  }
  const labels = { ...last.config.Labels, ...Object.fromEntries(options.label.map(splitPair)) }
  return yield* imageOf(last.files, { ...last.config, Labels: labels })
})

const merged = (one: ImageConfig, other: ImageConfig) => ({ ...one.Labels, ...other.Labels })

const contextName = (context: BuildContext): string =>
  context._tag === "Directory" ? context.path : (context.name ?? "the context")

const contextFiles = (context: BuildContext): Effect.Effect<ReadonlyFiles, ImageFailure> =>
  context._tag === "Stream"
    ? readTar(decompressed(context.bytes, "the context"), "the context")
    : Effect.map(
        readDirectory(context.path),
        (found) => new Map([...(found ?? [])].map(([name, content]) => [`/${name}`, { kind: "file", content }])),
      )

const containerfileIn = Effect.fnUntraced(function* (
  context: BuildContext,
  files: ReadonlyFiles,
  named: ReadonlyArray<string>,
): Effect.fn.Return<string, ContainerfileMissing> {
  const read = (name: string) => {
    if (context._tag === "Stream") return textOf(files.get(resolvePath("/", name)))
    const path = isAbsolute(name) ? name : join(context.path, name)
    return fs.existsSync(path) ? fs.readFileSync(path, "utf8") : undefined
  }
  const usual = ["Containerfile", "Dockerfile"].find((name) => read(name) !== undefined)
  if (named.length === 0 && usual === undefined)
    return yield* new ContainerfileMissing({ path: contextName(context), reason: "context" })
  const texts = yield* Effect.forEach(named.length > 0 ? named : [usual ?? ""], (name) => {
    const text = read(name)
    if (text === undefined) return Effect.fail(new ContainerfileMissing({ path: name, reason: "named" }))
    return text === "" ? Effect.fail(new ContainerfileMissing({ path: name, reason: "empty" })) : Effect.succeed(text)
  })
  return texts.join("\n")
})

const baseOf = Effect.fnUntraced(function* (ref: string, { pull }: BuildOptions, bases: BaseImages) {
  const local = pull === "always" ? Option.none() : yield* bases.local(ref)
  if (Option.isSome(local)) return local.value
  const missing = (detail: string) =>
    new BuildFailed({ detail: `creating build container: ${detail}`, exitStatus: 125 })
  if (pull === "never") return yield* missing(`${ref}: image not known`)
  return yield* Effect.mapError(bases.remote(ref), ({ message }) => missing(message))
})

/** Status of a line for the shell. */
const runIn = (files: Files, env: ReadonlyArray<string>, script: string, { output }: BuildOptions) =>
  Effect.scoped(
    Effect.gen(function* () {
      const machine: Machine = {
        files,
        shm: new Map(),
        mounts: new Map(),
        env: new Map(env.map(splitPair)),
        workdir: "/",
        hostname: "builder",
        uid: 0,
        capabilities: 0n,
        rlimits: [],
        shmSizeBytes: 0,
        readOnly: false,
        terminal: () => undefined,
      }
      const program = programOf(["sh", "-c", script], machine)
      if ("missing" in program) return 127
      const say = (stream: "stdout" | "stderr", text: string) => output(stream, new TextEncoder().encode(text))
      return yield* Deferred.await(
        (yield* startProcess(program, machine, { first: false, streams: { output: say } })).exit,
      )
    }),
  )

const imageOf = Effect.fnUntraced(function* (files: ReadonlyFiles, execution: ImageConfig) {
  const entries = [...files].flatMap(([path, node]) => {
    if (node.kind === "directory") return [Tar.directory(`${path.slice(1)}/`)]
    return node.kind === "file" ? [Tar.file(path.slice(1), node.content)] : []
  })
  const layer = yield* collectBytes(
    Stream.fromIterable(entries).pipe(Stream.pipeThroughChannel(Tar.encode()), Stream.orDie),
  )
  const bytes = makeImageBytes({
    layer,
    diffId: digestOf(layer),
    created: yield* instant,
    execution,
    comment: "",
    annotations: {},
  })
  return yield* readImage(bytes, "the build")
})
