/** `create` and `run`: new containers from images. */
import { rmSync, writeFileSync } from "node:fs"
import {
  ContainerEngine,
  CreateFlags,
  type CreateOptions,
  ImageEngine,
  parsePlace,
  parsePublish,
  RunFlags,
  Selection,
} from "@cryopod/entities"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { startAttached } from "../attach.ts"
import { completeImages } from "../completions.ts"
import { flagTable, optionsOf } from "../flags.ts"
import type { CliCommand, CommandFailure } from "../Handler.ts"
import { type Call, minimumArgs, valuesOf } from "../kit/index.ts"
import {
  exitStatus,
  failureStatus,
  printFailure,
  printLine,
  printWarning,
  Problem,
  refuse,
  reworded,
  writeError,
} from "../output.ts"
import { mountFromHere, volumeFromHere } from "../sources.ts"
import { envFileFlag, givenVariables, openWords } from "../variables.ts"

/** What is done here, around the engine. */
const callFlags = {
  cidfile: { kind: "string", usage: "Write the container ID to the file" },
  ...envFileFlag,
  replace: { kind: "bool", usage: "If a container with the same name exists, replace it" },
} as const

const createOptions = Effect.fnUntraced(function* (call: Call, flags: CreateFlags) {
  const [image = "", ...command] = call.args
  const bare = flags.annotation.find((annotation) => !annotation.includes("="))
  if (bare !== undefined) return yield* refuse("annotations must be formatted KEY=VALUE")
  const env = yield* givenVariables(valuesOf(call, callFlags)["env-file"], flags.env)
  return {
    ...flags,
    volume: flags.volume.map((text) => volumeFromHere(text, process.cwd())),
    mount: flags.mount.map((text) => mountFromHere(text, process.cwd())),
    env,
    image,
    command,
    createCommand: ["cryopod", ...process.argv.slice(2)],
  } satisfies CreateOptions
})

/** The image is there, or is fetched as the pull policy says. */
export const haveImage = Effect.fnUntraced(function* ({ image, pull }: Pick<CreateOptions, "image" | "pull">) {
  const images = yield* ImageEngine
  const policies = ["always", "missing", "never", "newer"]
  if (!policies.includes(pull)) return yield* refuse(`unsupported pull policy ${JSON.stringify(pull)}`)
  const wanted = pull === "always" || (pull === "missing" && !(yield* images.exists(image)))
  if (!wanted) return
  yield* Effect.fromResult(parsePlace(image))
  yield* writeError(`Trying to pull ${image}...\n`)
  yield* images.pull(image, { tlsVerify: true, authfile: "", creds: "", quiet: false })
})

/** Ports are asked for, and no network of the container's own to publish them on. */
const isUnpublished = ({ network, publish }: CreateFlags): boolean =>
  network.some((mode) => /^(?:none|host|container:.*)$/.test(mode)) &&
  publish.some((text) => text !== "") &&
  // what cannot be meant is refused
  publish.every((text) => Result.isSuccess(parsePublish(text)))

const createContainer = Effect.fnUntraced(function* (call: Call, flags: CreateFlags) {
  const { cidfile, replace } = valuesOf(call, callFlags)
  if (replace && flags.name === "") return yield* refuse("cannot replace container without --name being set")
  const options = yield* createOptions(call, flags)
  if (isUnpublished(flags)) {
    yield* writeError(
      "Port mappings have been discarded as one of the Host, Container, Pod, and None network modes are in use\n",
    )
  }
  yield* haveImage(options)
  if (replace) yield* removeNow(flags.name)
  const { id } = yield* ContainerEngine.use((engine) => engine.create(options)).pipe(
    Effect.mapError((failure): CommandFailure =>
      failure._tag === "NameInvalid"
        ? reworded(failure, `running container create option: ${failure.message}`)
        : failure,
    ),
  )
  if (cidfile !== "") yield* Effect.onError(writeId(cidfile, id), () => Effect.ignore(removeNow(id)))
  return id
})

const writeId = (file: string, id: string) =>
  Effect.try({
    try: () => writeFileSync(file, id),
    catch: (cause) => new Problem({ text: `creating idfile: ${openWords(cause, file)}` }),
  })

/** A container that would only be in the way. */
const removeNow = (ref: string) =>
  ContainerEngine.use((engine) =>
    engine.remove(Selection.names(ref), { force: true, ignore: true, timeSeconds: 0, volumes: true }),
  )

export const create: CliCommand = {
  name: "create",
  short: "Create but do not start a container",
  use: "[options] IMAGE [COMMAND [ARG...]]",
  example: "cryopod create --name web busybox httpd -f",
  flags: { ...flagTable(CreateFlags), ...callFlags },
  stopAtFirst: true,
  args: minimumArgs(1),
  complete: completeImages,
  handler: (call) =>
    Effect.gen(function* () {
      yield* printLine(yield* createContainer(call, optionsOf(CreateFlags, call)))
      return 0
    }),
}

/** Podman's status for a container that is there and could not begin; `run`, and `run` alone, has it. */
const notInvoked = 126

/** A container that could not be started stays, unless it was to go by itself. */
const notStarted = Effect.fnUntraced(function* (id: string, failure: CommandFailure, autoRemove: boolean) {
  if (autoRemove) yield* removeNow(id)
  yield* printFailure(failure)
  const status = exitStatus(failure)
  return status === failureStatus ? notInvoked : status
})

export const run: CliCommand = {
  name: "run",
  short: "Run a command in a new container",
  use: "[options] IMAGE [COMMAND [ARG...]]",
  example: "cryopod run -d --name web busybox httpd -f\ncryopod run --rm -it busybox sh",
  flags: { ...flagTable(RunFlags), ...callFlags },
  stopAtFirst: true,
  args: minimumArgs(1),
  complete: completeImages,
  handler: (call) =>
    Effect.gen(function* () {
      const engine = yield* ContainerEngine
      const { detach, ...flags } = optionsOf(RunFlags, call)
      if (flags.tty && flags.interactive && process.stdin.isTTY !== true) {
        yield* printWarning("The input device is not a TTY. The --tty and --interactive flags might not work properly")
      }
      const id = yield* createContainer(call, flags)
      if (detach) {
        const [started] = yield* engine.start(Selection.names(id))
        if (started !== undefined && Result.isFailure(started.result))
          return yield* notStarted(id, started.result.failure, flags.autoRemove)
        yield* printLine(id)
        return 0
      }
      const { begun, status } = yield* startAttached(id, { interactive: flags.interactive })
      if (Result.isFailure(status))
        return begun ? yield* Effect.fail(status.failure) : yield* notStarted(id, status.failure, flags.autoRemove)
      // what conmon's call may not have removed yet is gone when this command is
      if (flags.autoRemove) {
        yield* removeNow(id)
        const { cidfile } = valuesOf(call, callFlags)
        if (cidfile !== "") rmSync(cidfile, { force: true })
      }
      return status.success
    }),
}
