/**
 * Looks into checkpoints in memory: the program is a process, and its memory is its command line and its environment, as
 * the kernel keeps them.
 */
import * as fs from "node:fs"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import type { CheckpointEngineShape, CheckpointSource } from "../../CheckpointEngine.ts"
import {
  CheckpointMissing,
  NoSuchContainerOrImage,
  NotACheckpoint,
  ProcessNotFound,
} from "../../failures/CheckpointFailures.ts"
import { OptionInvalid } from "../../failures/ContainerFailures.ts"
import type { CheckpointViewFailure } from "../../failures/index.ts"
import { type CheckpointOptions, targetName } from "../../options/CheckpointOptions.ts"
import type { RestoreOptions } from "../../options/RestoreOptions.ts"
import type { CheckFinding, CheckpointCheck } from "../../reports/CheckpointCheck.ts"
import type { CheckpointPlan } from "../../reports/CheckpointPlan.ts"
import type { CheckAspect } from "../../values/CheckAspect.ts"
import { beyondPolicy, insistedRuntime } from "./Restores.ts"
import type { CheckpointDiff, CheckpointInspect, CheckpointSummary } from "../../reports/CheckpointViews.ts"
import { isCheckpointImage } from "../../values/CheckpointAnnotations.ts"
import { findImage } from "../../values/ImageLookup.ts"
import { newName } from "../../values/Reference.ts"
import { bytesOf, nameOf } from "./HostFiles.ts"
import { findContainer, type MemoryContainer, type MemoryHost } from "./MemoryHost.ts"
import { decompressed, readSnapshot, type Snapshot } from "./Snapshot.ts"

interface Seen {
  readonly source: string
  readonly kind: CheckpointInspect["kind"]
  readonly snapshot: Snapshot
}

export const memoryViews = (host: MemoryHost): CheckpointEngineShape => {
  const look = (source: CheckpointSource) => openSnapshot(host, source)
  const memory: CheckpointEngineShape["memory"] = (source, { pid }) =>
    Stream.fromEffect(
      Effect.gen(function* () {
        const seen = yield* look(source)
        if (pid !== onlyPid) return yield* new ProcessNotFound({ source: seen.source, pid })
        return { address: beginning, content: memoryOf(seen.snapshot) }
      }),
    )
  return {
    inspect: (source, options) => Effect.map(look(source), (seen) => inspectSeen(host, seen, options)),
    list: (directories) => list(host, directories),
    check: (source, options) => Effect.map(look(source), (seen) => checkSeen(host, seen, options)),
    plan: (ref, options) => Effect.map(findContainer(host, ref), (container) => planOf(container, options)),
    diff: Effect.fnUntraced(function* (before, after, options) {
      const [first, second] = [yield* look(before), yield* look(after)]
      return difference(inspectSeen(host, first, options), inspectSeen(host, second, options), options.unchanged)
    }),
    memory,
    search: (source, { contextBytes, pattern, pid = onlyPid }) =>
      Stream.unwrap(
        Effect.gen(function* () {
          const expression = yield* Effect.try({
            try: () => new RegExp(pattern._tag === "Text" ? literally(pattern.pattern) : pattern.pattern, "gs"),
            catch: (cause) =>
              new OptionInvalid({ option: "search-regex", value: pattern.pattern, problem: (cause as Error).message }),
          })
          return Stream.flatMap(memory(source, { pid }), ({ content }) => {
            const bytes = Buffer.from(content)
            const found = [...bytes.toString("latin1").matchAll(expression)]
            return Stream.fromIterable(
              found.map(({ 0: match, index }) => {
                const begin = Math.max(0, index - contextBytes)
                return {
                  pid,
                  address: (beginning + BigInt(index)).toString(16),
                  match: Buffer.from(match, "latin1").toString("hex"),
                  context: bytes.subarray(begin, index + match.length + contextBytes).toString("hex"),
                  contextAddress: (beginning + BigInt(begin)).toString(16),
                }
              }),
            )
          })
        }),
      ),
  }
}

const literally = (text: string) => text.replaceAll(/[$()*+.?[\\\]^{|}]/g, "\\$&")

const onlyPid = 1
const beginning = 0x1000n

const memoryOf = ({ config }: Snapshot): Uint8Array =>
  Buffer.from([...config.entrypoint, ...config.command, ...config.env].map((word) => `${word}\0`).join(""))

/** What programs in memory can have that stands in the way. */
const planOf = (container: MemoryContainer, options: CheckpointOptions): CheckpointPlan => {
  const finding = findingWith("allow it, or end it")
  const { config, id, name, run, state } = container
  const program = run?.main.program()
  const findings = [
    finding("state", state.status === "running", `the container is ${state.status}`),
    finding("connections", program?.connected !== true || options.tcpEstablished, "it has a connection"),
    finding("fileLocks", program?.locks !== true || options.fileLocks, "it has a lock"),
  ]
  const { target } = options
  return {
    id,
    container: name,
    destination:
      target._tag === "Image" ? Result.getOrElse(newName(target.name), () => target.name) : targetName(target),
    processes: program === undefined ? 0 : 1,
    memoryBytes: Buffer.byteLength(JSON.stringify(program ?? {})),
    rootfs: { changed: 0, deleted: 0, sizeBytes: 0 },
    volumes: config.mounts.flatMap((mount) => (mount.type === "volume" ? [{ name: mount.name, sizeBytes: 0 }] : [])),
    freezes: findings.every(({ status }) => status !== "no"),
    findings,
  }
}

/** Findings with this to be done about what is in the way. */
const findingWith =
  (remedy: string) =>
  (aspect: CheckAspect, isOk: boolean, problem: string): CheckFinding => ({
    aspect,
    status: isOk ? "ok" : "no",
    found: isOk ? "as wanted" : "",
    problem: isOk ? "" : problem,
    remedy: isOk ? "" : remedy,
  })

const openSnapshot = Effect.fnUntraced(function* (
  host: MemoryHost,
  source: CheckpointSource,
): Effect.fn.Return<Seen, CheckpointViewFailure> {
  if (source._tag === "Archive") {
    const name = nameOf(source.archive)
    const snapshot = yield* readSnapshot(decompressed(bytesOf(source.archive), name), name)
    return { source: name, kind: "archive", snapshot }
  }
  const { ref } = source
  const container = yield* findContainer(host, ref).pipe(
    Effect.map((found): MemoryContainer | undefined => found),
    Effect.catchTag("ContainerNotFound", () => Effect.succeed(undefined)),
  )
  if (container !== undefined) {
    if (container.checkpoint === undefined)
      return yield* new CheckpointMissing({ id: container.id, path: "memory:inventory.img" })
    return { source: ref, kind: "container", snapshot: container.checkpoint }
  }
  const { image } = yield* Effect.fromResult(findImage(host.images, ref)).pipe(
    Effect.catchTags({
      ImageNotFound: () => Effect.fail(new NoSuchContainerOrImage({ ref })),
      ReferenceInvalid: () => Effect.fail(new NoSuchContainerOrImage({ ref })),
    }),
  )
  if (!isCheckpointImage(image.annotations)) return yield* new NotACheckpoint({ id: image.id })
  const snapshot = yield* readSnapshot(decompressed(Stream.make(image.layer), ref), ref)
  return { source: ref, kind: "image", snapshot }
})

const inspectSeen = (
  host: MemoryHost,
  { kind, snapshot, source }: Seen,
  { environment }: { readonly environment: boolean },
): CheckpointInspect => {
  const { config, id, name } = snapshot
  const bytes = memoryOf(snapshot).length
  const words = [...config.entrypoint, ...config.command]
  return {
    source,
    kind,
    origin: host.made.has(snapshot.key) ? "here" : "elsewhere",
    container: {
      id,
      name,
      image: config.imageName,
      imageId: config.imageId,
      runtime: config.runtime,
      engine: "memory",
      created: config.createdAt,
      ip: "",
      mac: "",
      pod: "",
      hostname: config.hostname,
    },
    annotations: config.annotations,
    labels: config.labels,
    sizes: {
      checkpoint: bytes,
      pages: bytes,
      rootfsDiff: 0,
      sharedMemory: 0,
      volumes: 0,
      total: bytes + snapshot.ballastBytes,
    },
    criu: { imagesVersion: 2, architecture: "X86_64", securityModule: "NO_LSM" },
    processes: [
      {
        pid: onlyPid,
        parent: 0,
        group: onlyPid,
        session: onlyPid,
        state: "alive",
        name: (words[0] ?? "").slice(0, 15),
        arguments: words,
        ...(environment ? { environment: config.env } : {}),
        threads: [{ id: onlyPid, name: (words[0] ?? "").slice(0, 15) }],
        users: [0],
        groups: [0],
        capabilities: { inheritable: [], permitted: [], effective: [], bounding: [], ambient: [] },
        noNewPrivileges: false,
        seccomp: false,
        securityProfile: "",
        mappedBytes: bytes,
        memoryBytes: bytes,
        sharedBytes: 0,
        mappings: [
          {
            start: beginning.toString(16),
            end: (beginning + BigInt(bytes)).toString(16),
            permissions: "rw-p",
            kind: "stack",
            path: "",
            sizeBytes: bytes,
            pagesBytes: bytes,
          },
        ],
        files: [{ fd: "cwd", type: "", path: config.workdir }],
      },
    ],
    sockets: [],
    mounts: [],
    volumes: [],
    rootfs: {
      changed: [...snapshot.changed.keys()].map(rooted),
      deleted: snapshot.deleted.map(rooted),
    },
  }
}

/** Of what a host of this kind can be without. */
const checkSeen = (host: MemoryHost, { kind, snapshot, source }: Seen, options: RestoreOptions): CheckpointCheck => {
  const name = options.name ?? snapshot.name
  const finding = findingWith("restore it elsewhere, or otherwise")
  const isFree = kind === "container" || host.containers.every((other) => other.name !== name)
  const { imageId, runtime } = snapshot.config
  const beyond = kind === "container" ? [] : beyondPolicy(host, snapshot, options)
  const findings = [
    finding("policy", beyond.length === 0, beyond.map((one) => one.finding).join(", ")),
    finding("runtime", (insistedRuntime(host, options) ?? runtime) === runtime, `it needs ${runtime}`),
    finding("name", isFree, `the container name ${JSON.stringify(name)} is already in use`),
    finding(
      "baseImage",
      host.images.some(({ id }) => id === imageId),
      "the base image is not in the store",
    ),
  ]
  return { source, kind, container: name, thaws: findings.every(({ status }) => status !== "no"), findings }
}

const rooted = (path: string) => `/${path.replace(/^\//, "")}`

const list = Effect.fnUntraced(function* (host: MemoryHost, directories: ReadonlyArray<string>) {
  const rows: Array<CheckpointSummary> = []
  const row = (kind: CheckpointSummary["kind"], source: string, snapshot: Snapshot) =>
    rows.push({
      kind,
      source,
      container: snapshot.name,
      containerId: snapshot.id,
      image: snapshot.config.imageName,
      runtime: snapshot.config.runtime,
      engine: "memory",
      made: "",
      sizeBytes: memoryOf(snapshot).length,
    })
  for (const { checkpoint, name } of host.containers) if (checkpoint !== undefined) row("container", name, checkpoint)
  for (const { annotations, id, layer, names } of host.images) {
    if (!isCheckpointImage(annotations)) continue
    const source = names[0] ?? id
    row("image", source, yield* readSnapshot(decompressed(Stream.make(layer), source), source))
  }
  for (const directory of directories) {
    for (const name of fs.readdirSync(directory).filter((one) => one.endsWith(".tar"))) {
      const path = join(directory, name)
      const bytes = bytesOf({ _tag: "File", path })
      const snapshot = yield* Effect.option(readSnapshot(decompressed(bytes, path), path))
      if (snapshot._tag === "Some") row("archive", path, snapshot.value)
    }
  }
  return rows
})

const difference = (before: CheckpointInspect, after: CheckpointInspect, unchanged: boolean): CheckpointDiff => {
  const [here, there] = [before, after].map(({ processes }) => processes[0])
  const isSame = JSON.stringify(here?.arguments) === JSON.stringify(there?.arguments)
  const change = isSame ? ("same" as const) : ("changed" as const)
  const memory = { before: before.sizes.pages, after: after.sizes.pages, different: isSame ? 0 : after.sizes.pages }
  const process = { change, pid: onlyPid, name: there?.name ?? "", arguments: there?.arguments ?? [], memory }
  const paths = new Set([...before.rootfs.changed, ...after.rootfs.changed])
  const rootfs = [...paths].map((path) => ({
    change: !before.rootfs.changed.includes(path)
      ? ("added" as const)
      : after.rootfs.changed.includes(path)
        ? ("same" as const)
        : ("removed" as const),
    path,
  }))
  return {
    processes: isSame && !unchanged ? [] : [{ ...process, files: [], environment: [] }],
    sockets: [],
    rootfs: rootfs.filter((one) => unchanged || one.change !== "same"),
    sizes: { before: before.sizes.total, after: after.sizes.total },
  }
}
