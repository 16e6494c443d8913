/** `build`: an image from a Containerfile. */
import * as fs from "node:fs"
import { dirname, join, resolve } from "node:path"
import { BuildFlags, ContainerfileMissing, ImageEngine, type ImageFailure, StorageFailed } from "@cryopod/entities"
import * as Effect from "effect/Effect"
import { flagTable, optionsOf } from "../flags.ts"
import type { CliCommand } from "../Handler.ts"
import { maximumArgs } from "../kit/index.ts"
import { printLine, refuse, writeError, writeOut } from "../output.ts"

export const build: CliCommand = {
  name: "build",
  short: "Build an image using instructions from Containerfiles",
  use: "[options] [CONTEXT]",
  example: "cryopod build -t web .\ncryopod build -f Containerfile.test --build-arg VERSION=2 -t web:test context/",
  flags: flagTable(BuildFlags),
  args: maximumArgs(1),
  handler: (call) =>
    Effect.gen(function* () {
      const { file, iidfile, ...options } = optionsOf(BuildFlags, call)
      const [first] = file
      // without a context, that is where the first Containerfile lies
      const [given = first === undefined ? undefined : dirname(resolve(first))] = call.args
      if (given === undefined) return yield* refuse("no context directory and no Containerfile specified")
      const path = resolve(given)
      if (fs.statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true)
        return yield* refuse(`context must be a directory: ${JSON.stringify(path)}`)
      const files = new Map(file.map((name) => [containerfile(name, path), name]))
      const id = yield* (yield* ImageEngine)
        .build(
          { _tag: "Directory", path },
          {
            ...options,
            file: [...files.keys()],
            output: (stream, content) => (stream === "stdout" ? writeOut(content) : writeError(content)),
          },
        )
        .pipe(Effect.mapError((failure) => asTyped(failure, files)))
      if (iidfile !== "") {
        yield* Effect.try({
          try: () => fs.writeFileSync(iidfile, `sha256:${id}`),
          catch: (cause) =>
            new StorageFailed({
              operation: "write",
              path: iidfile,
              code: (cause as { readonly code?: string }).code ?? "EIO",
            }),
        })
      }
      yield* printLine(id)
      return 0
    }),
}

/** A Containerfile is called in a failure what it was called on the command line. */
const asTyped = (failure: ImageFailure, files: ReadonlyMap<string, string>): ImageFailure =>
  failure instanceof ContainerfileMissing
    ? new ContainerfileMissing({ path: files.get(failure.path) ?? failure.path, reason: failure.reason })
    : failure

/** A path from here on; one that leads nowhere from here is one from the context on. */
const containerfile = (name: string, context: string): string => {
  if (name === "-") return "/dev/stdin"
  if (fs.existsSync(name)) return resolve(name)
  return fs.existsSync(join(context, name)) ? join(context, name) : name
}
