/** Commands on images. */
import { statSync } from "node:fs"
import { dirname } from "node:path"
import {
  type ArchiveSource,
  ImageEngine,
  ImageRemoveFlags,
  ImportFlags,
  LoadFlags,
  parsePlace,
  PullFlags,
  PushFlags,
  SaveFlags,
  StorageFailed,
} from "@cryopod/entities"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { completeImages } from "../completions.ts"
import { flagTable, optionsOf } from "../flags.ts"
import type { CliCommand, CommandFailure } from "../Handler.ts"
import { exactArgs, humanSize, minimumArgs, noArgs, rangeArgs } from "../kit/index.ts"
import {
  failureStatus,
  printFailure,
  printLine,
  printTogether,
  refuse,
  removalStatus,
  reworded,
  writeError,
  writeOut,
} from "../output.ts"
import { withProgress } from "../progress.ts"

/** What cannot be opened, in the command's own words. */
const unopened =
  (words: (path: string, failure: StorageFailed) => string) =>
  <A, E extends CommandFailure, R>(work: Effect.Effect<A, E, R>): Effect.Effect<A, CommandFailure, R> =>
    Effect.mapError(work, (failure): CommandFailure =>
      failure instanceof StorageFailed && failure.operation === "open"
        ? reworded(failure, words(failure.path, failure))
        : failure,
    )

const sourceOf = (path: string): ArchiveSource => ({
  _tag: "File",
  path: path === "-" || path === "" ? "/dev/stdin" : path,
})

export const importImage: CliCommand = {
  name: "import",
  short: "Import a tarball to create a filesystem image",
  use: "[options] PATH [REFERENCE]",
  example: "cryopod import rootfs.tar busybox\ncat rootfs.tar | cryopod import --change 'CMD [\"sh\"]' - busybox",
  flags: flagTable(ImportFlags),
  args: rangeArgs(1, 2),
  handler: (call) =>
    Effect.gen(function* () {
      const { change, message } = optionsOf(ImportFlags, call)
      const [path = "", name] = call.args
      const work = (yield* ImageEngine).import(sourceOf(path), {
        changes: change,
        message,
        ...(name === undefined ? {} : { name }),
      })
      const opened = unopened((file, { message: words }) => `error opening ${JSON.stringify(file)}: ${words}`)
      yield* printLine(`sha256:${yield* opened(withProgress("Importing", work))}`)
      return 0
    }),
}

export const load: CliCommand = {
  name: "load",
  short: "Load image(s) from a tar archive",
  use: "[options]",
  example: "cryopod load -i image.tar\ncryopod load < image.tar",
  flags: flagTable(LoadFlags),
  args: noArgs,
  handler: (call) =>
    Effect.gen(function* () {
      const { input } = optionsOf(LoadFlags, call)
      const opened = unopened((_, { message }) => message.replace(/^open /, "faccessat "))
      const names = yield* opened(withProgress("Loading", (yield* ImageEngine).load(sourceOf(input))))
      for (const name of names) yield* printLine(`Loaded image: ${name}`)
      return 0
    }),
}

/** Podman's, of which `docker-dir` is not one of ours. */
const formats = ["oci-dir", "oci-archive", "docker-dir", "docker-archive"]

/** Why nothing can be saved to a path; undefined when something can. */
const unwritable = (format: string, path: string): string | undefined => {
  if (format !== "docker-archive" || path === "" || path === "-") return undefined
  const stat = statSync(path, { throwIfNoEntry: false })
  const opening = (code: string) =>
    `opening file ${JSON.stringify(path)}: ${new StorageFailed({ operation: "open", path, code }).message}`
  if (stat === undefined)
    return statSync(dirname(path), { throwIfNoEntry: false }) === undefined ? opening("ENOENT") : undefined
  if (stat.isDirectory()) return opening("EISDIR")
  return stat.isFile() && stat.size > 0 ? "docker-archive doesn't support modifying existing images" : undefined
}

export const save: CliCommand = {
  name: "save",
  short: "Save image(s) to an archive",
  use: "[options] IMAGE",
  example: "cryopod save -o image.tar busybox\ncryopod save --format oci-dir -o image/ busybox",
  flags: flagTable(SaveFlags),
  args: (context) => (context.args.length === 0 ? "need at least 1 argument" : exactArgs(1)(context)),
  complete: completeImages,
  handler: (call) =>
    Effect.gen(function* () {
      const { format, output } = optionsOf(SaveFlags, call)
      const refusal = formats.includes(format)
        ? unwritable(format, output)
        : `format value must be one of ${formats.join(" ")}`
      if (refusal !== undefined) return yield* refuse(refusal)
      if (output === "" && process.stdout.isTTY === true) {
        return yield* refuse("refusing to save to terminal. Use -o flag or redirect")
      }
      yield* withProgress(
        "Saving",
        (yield* ImageEngine).save(call.args[0] ?? "", {
          destination:
            output === "" || output === "-" ? { _tag: "Stream", write: writeOut } : { _tag: "File", path: output },
          format,
        }),
      )
      return 0
    }),
}

export const pull: CliCommand = {
  name: "pull",
  short: "Pull an image from a registry",
  use: "[options] IMAGE [IMAGE...]",
  example: "cryopod pull localhost:5000/web:1\ncryopod pull oci:/srv/layout:web",
  flags: flagTable(PullFlags),
  args: minimumArgs(1),
  handler: (call) =>
    Effect.gen(function* () {
      const engine = yield* ImageEngine
      const flags = optionsOf(PullFlags, call)
      let status = 0
      for (const ref of call.args) {
        if (!flags.quiet && Result.isSuccess(parsePlace(ref))) yield* writeError(`Trying to pull ${ref}...\n`)
        const pulled = yield* Effect.result(withProgress(`Pulling ${ref}`, engine.pull(ref, flags)))
        if (Result.isSuccess(pulled)) yield* printLine(pulled.success)
        else {
          yield* printFailure(pulled.failure)
          status = failureStatus
        }
      }
      return status
    }),
}

export const push: CliCommand = {
  name: "push",
  short: "Push an image to a specified destination",
  use: "[options] IMAGE [DESTINATION]",
  example: "cryopod push web:1 localhost:5000/web:1\ncryopod push web:1 oci:/srv/layout:web",
  flags: flagTable(PushFlags),
  args: rangeArgs(1, 2),
  complete: completeImages,
  handler: (call) =>
    Effect.gen(function* () {
      const [ref = "", destination = ""] = call.args
      yield* withProgress(`Pushing ${ref}`, (yield* ImageEngine).push(ref, destination, optionsOf(PushFlags, call)))
      return 0
    }),
}

export const tag: CliCommand = {
  name: "tag",
  short: "Add an additional name to a local image",
  use: "IMAGE TARGET_NAME [TARGET_NAME...]",
  example: "cryopod tag busybox localhost:5000/busybox",
  args: minimumArgs(2),
  complete: completeImages,
  handler: ({ args: [ref = "", ...names] }) =>
    Effect.as(
      Effect.flatMap(ImageEngine, (engine) => engine.tag(ref, names)),
      0,
    ),
}

export const untag: CliCommand = {
  name: "untag",
  short: "Remove a name from a local image",
  use: "IMAGE [IMAGE...]",
  args: minimumArgs(1),
  complete: completeImages,
  handler: ({ args: [ref = "", ...names] }) =>
    Effect.as(
      Effect.flatMap(ImageEngine, (engine) => engine.untag(ref, names)),
      0,
    ),
}

export const rmi: CliCommand = {
  name: "rmi",
  short: "Remove one or more images from local storage",
  use: "[options] IMAGE [IMAGE...]",
  example: "cryopod rmi busybox\ncryopod rmi --all",
  flags: flagTable(ImageRemoveFlags),
  complete: completeImages,
  handler: (call) =>
    Effect.gen(function* () {
      const flags = optionsOf(ImageRemoveFlags, call)
      if (flags.all && call.args.length > 0)
        return yield* refuse("when using the --all switch, you may not pass any images names or IDs")
      if (!flags.all && call.args.length === 0) return yield* refuse("image name or ID must be specified")
      const items = yield* (yield* ImageEngine).remove(call.args, { ...flags, ignore: flags.ignore || flags.force })
      const removed = items.flatMap(({ result }) => (Result.isSuccess(result) ? [result.success] : []))
      const failures = items.flatMap(({ result }) => (Result.isFailure(result) ? [result.failure] : []))
      yield* writeOut(removed.flatMap(({ untagged }) => untagged.map((name) => `Untagged: ${name}\n`)).join(""))
      yield* writeOut(removed.flatMap(({ deleted }) => deleted.map((id) => `Deleted: ${id}\n`)).join(""))
      yield* printTogether(failures)
      return Math.max(0, ...failures.map(removalStatus))
    }),
}

export const imageExists: CliCommand = {
  name: "exists",
  short: "Check if an image exists in local storage",
  use: "IMAGE",
  args: exactArgs(1),
  complete: completeImages,
  handler: ({ args: [ref = ""] }) =>
    Effect.map(
      Effect.flatMap(ImageEngine, (engine) => engine.exists(ref)),
      (found) => (found ? 0 : 1),
    ),
}

export const tree: CliCommand = {
  name: "tree",
  short: "Print layer hierarchy of an image in a tree format",
  use: "IMAGE",
  args: exactArgs(1),
  complete: completeImages,
  handler: ({ args: [ref = ""] }) =>
    Effect.gen(function* () {
      const { Id, Layers, Size, Tags } = yield* (yield* ImageEngine).tree(ref)
      const lines = [
        `Image ID: ${Id.slice(0, 12)}`,
        `Tags:     [${Tags.join(" ")}]`,
        `Size:     ${humanSize(Size)}`,
        "Image Layers",
      ]
      const layers = Layers.map(({ diffId, sizeBytes, tags }, at) => {
        const branch = at === Layers.length - 1 ? "└──" : "├──"
        const top = tags.length === 0 ? "" : ` Top Layer of: [${tags.join(" ")}]`
        return `${branch} ID: ${diffId.replace("sha256:", "").slice(0, 12)} Size: ${humanSize(sizeBytes).padStart(7)}${top}`
      })
      yield* writeOut(`${[...lines, ...layers].join("\n")}\n\n`)
      return 0
    }),
}
