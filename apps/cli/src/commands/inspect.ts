/** `inspect`, `container inspect` and `image inspect`. */
import {
  ContainerEngine,
  type ContainerInspect,
  ImageEngine,
  NetworkEngine,
  PodEngine,
  type PodInspect,
  VolumeEngine,
  type VolumeInspect,
} from "@cryopod/entities"
import * as Effect from "effect/Effect"
import { completeContainers, completeImages } from "../completions.ts"
import { printDocuments } from "../format.ts"
import type { CliCommand } from "../Handler.ts"
import { valuesOf } from "../kit/index.ts"
import { failureStatus, printMissing, refuse, reworded, writeOut } from "../output.ts"
import { goNetwork } from "./networks.ts"

const kinds = ["container", "image", "volume", "network", "pod"] as const
type Kind = (typeof kinds)[number]
type Kinds = Kind | "all"

const ownFlags = {
  format: { kind: "string", short: "f", usage: "Format the output to a Go template or json", default: "json" },
  latest: { kind: "bool", short: "l", usage: "Act on the latest container" },
} as const

const sizeFlag = { size: { kind: "bool", short: "s", usage: "Display total file size" } } as const

const typeFlag = {
  type: {
    kind: "string",
    short: "t",
    usage: 'Specify inspect-object type ("image", "container", "pod", "network", "volume", or "all")',
    default: "all",
  },
} as const

const missingWords: Record<Kinds, (ref: string) => string> = {
  all: (ref) => `no such object: "${ref}"`,
  container: (ref) => `no such container ${ref}`,
  image: (ref) => `${ref}: image not known`,
  network: (ref) => `network ${ref}: unable to find network with name or ID ${ref}: network not found`,
  pod: (ref) => `no such pod ${ref}`,
  volume: (ref) => `no such volume ${ref}`,
}

/** What was found: the document as JSON has it, and under Go's names with the fields that JSON leaves out. */
interface Found {
  readonly json: unknown
  readonly fields: unknown
}

/** A document under Go's names: `ID` where JSON has `Id`, and the fields that JSON leaves out while they are empty. */
const named = <Document extends { readonly Id: string }>(document: Document, omitted: object = {}) => ({
  ...omitted,
  ...document,
  ID: document.Id,
  MarshalJSON: () => document,
})

const containerFields = ({ Config, State, ...document }: ContainerInspect) =>
  named({
    ...document,
    State: {
      CheckpointPath: "",
      CheckpointLog: "",
      Restored: false,
      RestoreLog: "",
      Health: null,
      ...State,
      MarshalJSON: () => State,
    },
    Config: { Healthcheck: null, ...Config, MarshalJSON: () => Config },
  })

/** What a pod without an infra container has none of. */
export const podFields = (document: PodInspect) =>
  named(document, { InfraContainerID: "", SharedNamespaces: [], Labels: {} })

export const volumeFields = (document: VolumeInspect) => ({ Anonymous: false, UID: 0, GID: 0, ...document })

const missing = Effect.succeed(undefined)

const finders = {
  container: (ref: string, size: boolean) =>
    Effect.gen(function* () {
      const engine = yield* ContainerEngine
      const document = yield* engine.inspect(ref)
      if (!size) return { json: document, fields: containerFields(document) }
      const [row] = yield* engine.list({
        all: true,
        latest: false,
        filter: [`id=${document.Id}`],
        last: -1,
        external: false,
        size: true,
      })
      const sizes = { SizeRw: row?.Size?.rwSize ?? 0, SizeRootFs: row?.Size?.rootFsSize ?? 0 }
      return { json: { ...document, ...sizes }, fields: { ...containerFields(document), ...sizes } }
    }).pipe(Effect.catchTag("ContainerNotFound", () => missing)),
  image: (ref: string) =>
    ImageEngine.use((engine) => engine.inspect(ref)).pipe(
      Effect.map((document) => ({ json: document, fields: named(document) })),
      Effect.catchTags({ ImageNotFound: () => missing, ReferenceInvalid: () => missing }),
    ),
  volume: (ref: string) =>
    VolumeEngine.use((engine) => engine.inspect(ref)).pipe(
      Effect.map((document) => ({ json: document, fields: volumeFields(document) })),
      Effect.catchTag("VolumeNotFound", () => missing),
    ),
  network: (ref: string) =>
    NetworkEngine.use((engine) => engine.inspect(ref)).pipe(
      Effect.map((document) => ({ json: document, fields: goNetwork(document) })),
      Effect.catchTag("NetworkNotFound", () => missing),
    ),
  pod: (ref: string) =>
    PodEngine.use((engine) => engine.inspect(ref)).pipe(
      Effect.map((document) => ({ json: document, fields: podFields(document) })),
      Effect.catchTag("PodNotFound", () => missing),
    ),
}

/** As always, there is a document, if an empty one. */
const latestToInspect = ContainerEngine.use((engine) => engine.latest).pipe(
  Effect.catchTag("NoContainers", (failure) =>
    Effect.andThen(writeOut("[]\n"), Effect.fail(reworded(failure, `no containers to inspect: ${failure.message}`))),
  ),
)

/** The first that answers to the name, by Podman's order of kinds. */
const look = (ref: string, wanted: Kinds, size: boolean) =>
  Effect.gen(function* () {
    for (const kind of wanted === "all" ? kinds : [wanted]) {
      const found: Found | undefined = yield* finders[kind](ref, size)
      if (found !== undefined) return found
    }
    return undefined
  })

const inspecting = (fixed: "container" | "image" | undefined, short: string): CliCommand => ({
  name: "inspect",
  short,
  use: `[options] ${fixed === "image" ? "IMAGE [IMAGE...]" : fixed === "container" ? "CONTAINER [CONTAINER...]" : "{CONTAINER|IMAGE|POD|NETWORK|VOLUME} [...]"}`,
  example:
    fixed === "image"
      ? "cryopod image inspect web:1"
      : "cryopod inspect web\ncryopod inspect --format '{{.State.Status}}' web",
  flags: {
    format: ownFlags.format,
    ...(fixed === "image" ? {} : { ...sizeFlag, latest: ownFlags.latest }),
    ...(fixed === undefined ? typeFlag : {}),
  },
  complete: fixed === "image" ? completeImages : completeContainers,
  handler: (call) =>
    Effect.gen(function* () {
      const { format, latest } = valuesOf(call, ownFlags)
      const { size } = valuesOf(call, sizeFlag)
      const asked = fixed ?? valuesOf(call, typeFlag).type
      const kind = asked === "all" ? asked : kinds.find((known) => known === asked)
      if (kind === undefined) {
        return yield* refuse(
          `invalid type ${JSON.stringify(asked)}: must be "image", "container", "pod", "network", "volume", or "all"`,
        )
      }
      if (latest && call.args.length > 0) return yield* refuse("--latest and arguments cannot be used together")
      for (const [flag, given] of Object.entries({ latest, size })) {
        // of all kinds, containers have these
        if (given && kind !== "all" && kind !== "container")
          return yield* refuse(`${flag} is not supported for type ${JSON.stringify(kind)}`)
      }
      const refs = latest ? [yield* latestToInspect] : call.args
      if (refs.length === 0) return yield* refuse("no names or ids specified")
      const found: Array<Found> = []
      const absent: Array<string> = []
      for (const ref of refs) {
        const one = yield* look(ref, kind, size)
        if (one === undefined) absent.push(ref)
        else found.push(one)
      }
      if (format === "" || format === "json") {
        yield* writeOut(
          `${JSON.stringify(
            found.map(({ json }) => json),
            undefined,
            5,
          )}\n`,
        )
      } else {
        yield* printDocuments(
          found.map(({ fields }) => fields),
          format,
        )
      }
      yield* printMissing(absent.map(missingWords[kind]))
      return absent.length === 0 ? 0 : failureStatus
    }),
})

export const inspect = inspecting(undefined, "Display the configuration of object denoted by ID")
export const inspectContainer = inspecting("container", "Display the configuration of a container")
export const inspectImage = inspecting("image", "Display the configuration of an image")
