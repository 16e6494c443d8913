/** `create` and `run`: new containers from images. */
import { ContainerEngine, CreateFlags, type CreateOptions, ImageEngine, RunFlags, Selection } from "@cryopod/entities"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { attachTo } from "../attach.ts"
import { completeImages } from "../completions.ts"
import { flagTable, optionsOf } from "../flags.ts"
import type { CliCommand, CommandFailure } from "../Handler.ts"
import { type Call, minimumArgs } from "../kit/index.ts"
import { exitStatus, printFailure, printLine, refuse, reworded, writeError } from "../output.ts"
import { mountFromHere, volumeFromHere } from "../sources.ts"

const createOptions = (call: Call, flags: CreateFlags): CreateOptions => {
  const [image = "", ...command] = call.args
  const env = flags.env.flatMap((variable) =>
    variable.includes("=")
      ? [variable]
      : process.env[variable] === undefined
        ? []
        : [`${variable}=${process.env[variable]}`],
  )
  return {
    ...flags,
    volume: flags.volume.map((text) => volumeFromHere(text, process.cwd())),
    mount: flags.mount.map((text) => mountFromHere(text, process.cwd())),
    env,
    image,
    command,
    createCommand: ["cryopod", ...process.argv.slice(2)],
  }
}

/** The image is there, or is fetched as the pull policy says. */
export const haveImage = Effect.fnUntraced(function* ({ image, pull }: Pick<CreateOptions, "image" | "pull">) {
  const images = yield* ImageEngine
  const policies = ["always", "missing", "never", "newer"]
  if (!policies.includes(pull))
    return yield* refuse(`invalid pull policy ${JSON.stringify(pull)}: use one of ${policies.join(", ")}`)
  const wanted = pull === "always" || (pull === "missing" && !(yield* images.exists(image)))
  if (!wanted) return
  yield* writeError(`Trying to pull ${image}...\n`)
  yield* images.pull(image, { tlsVerify: true, authfile: "", creds: "", quiet: false })
})

const createContainer = Effect.fnUntraced(function* (options: CreateOptions) {
  yield* haveImage(options)
  const { id } = yield* ContainerEngine.use((engine) => engine.create(options)).pipe(
    Effect.mapError((failure): CommandFailure =>
      failure._tag === "NameInvalid"
        ? reworded(failure, `running container create option: ${failure.message}`)
        : failure,
    ),
  )
  return id
})

export const create: CliCommand = {
  name: "create",
  short: "Create but do not start a container",
  use: "[options] IMAGE [COMMAND [ARG...]]",
  example: "cryopod create --name web busybox httpd -f",
  flags: flagTable(CreateFlags),
  stopAtFirst: true,
  args: minimumArgs(1),
  complete: completeImages,
  handler: (call) =>
    Effect.gen(function* () {
      yield* printLine(yield* createContainer(createOptions(call, optionsOf(CreateFlags, call))))
      return 0
    }),
}

export const run: CliCommand = {
  name: "run",
  short: "Run a command in a new container",
  use: "[options] IMAGE [COMMAND [ARG...]]",
  example: "cryopod run -d --name web busybox httpd -f\ncryopod run --rm -it busybox sh",
  flags: flagTable(RunFlags),
  stopAtFirst: true,
  args: minimumArgs(1),
  complete: completeImages,
  handler: (call) =>
    Effect.gen(function* () {
      const engine = yield* ContainerEngine
      const { detach, ...flags } = optionsOf(RunFlags, call)
      const id = yield* createContainer(createOptions(call, flags))
      const [started] = yield* engine.start(Selection.names(id))
      if (started !== undefined && Result.isFailure(started.result)) {
        // a container that never ran would only be in the way
        yield* engine.remove(Selection.names(id), { force: true, ignore: true, timeSeconds: 0, volumes: true })
        const failure: CommandFailure = started.result.failure
        yield* printFailure(failure)
        return exitStatus(failure)
      }
      if (detach) {
        yield* printLine(id)
        return 0
      }
      const status = yield* attachTo(id, { interactive: flags.interactive })
      // what conmon's call may not have removed yet is gone when this command is
      if (flags.autoRemove) {
        yield* engine.remove(Selection.names(id), { force: true, ignore: true, timeSeconds: 0, volumes: true })
      }
      return status
    }),
}
