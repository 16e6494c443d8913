/**
 * buildah, which knows Containerfiles, with a store of its own in a temporary place.
 *
 * It and everything it starts live in namespaces of processes and mounts that end with the process that began the build, however
 * that ends: nothing stays mounted, and no instruction runs on. buildah(1), `--isolation chroot`: instructions run without a
 * runtime and without a cgroup, on the network of this host.
 */
import { BuildFailed, type BuildOptions, type ToolMissing } from "@cryopod/entities"
import { runHeard, Tools } from "@cryopod/host"
import * as Effect from "effect/Effect"
import { join } from "node:path"
import { sieve } from "./Sieve.ts"

export interface BuilderPlace {
  /** A directory for its store and whatever it makes on its way. */
  readonly directory: string
  /** Containerfiles, read one after the other. */
  readonly files: ReadonlyArray<string>
  readonly context: {
    readonly root: string
    /** What the caller calls it. */
    readonly name: string
  }
}

/** Where the builder keeps an image, in skopeo's words. */
export const inBuilder = (directory: string, image: string): string =>
  `containers-storage:[overlay@${join(directory, "storage")}+${join(directory, "run")}]${image}`

/** Build; succeeds with the image's id in the builder's own store. */
export const runBuilder = Effect.fnUntraced(function* (
  place: BuilderPlace,
  options: BuildOptions,
): Effect.fn.Return<string, BuildFailed | ToolMissing, Tools> {
  const tools = yield* Tools
  const [setpriv, unshare, buildah] = [
    yield* tools.path("setpriv"),
    yield* tools.path("unshare"),
    yield* tools.path("buildah"),
  ]
  const { name, root } = place.context
  const output: BuildOptions["output"] = (stream, content) =>
    options.output(stream, name === root ? content : renamed(content, { name, root }))
  const said = sieve(ofImage, (content) => output("stdout", content))
  const complained = sieve(ofBuilder, (content) => output("stderr", content))
  const status = yield* runHeard(
    setpriv,
    [
      "--pdeathsig",
      "KILL",
      unshare,
      ...namespaces,
      "env",
      `TMPDIR=${place.directory}`,
      buildah,
      ...buildahWords(place, options),
    ],
    (stream, content) => (stream === "stdout" ? said : complained).take(content),
  )
  const lines = yield* said.rest
  const complaints = (yield* complained.rest).filter((line) => !line.startsWith(ofItsChild))
  const id = status === 0 ? lines.at(-1) : undefined
  const failure = status === 0 ? undefined : complaints.at(-1)
  // what was held back and is not the last word after all
  yield* passOn(output, "stdout", id === undefined ? lines : lines.slice(0, -1))
  yield* passOn(output, "stderr", failure === undefined ? complaints : complaints.slice(0, -1))
  if (id !== undefined) return id
  const detail =
    failure === undefined ? `buildah ended with status ${status}` : ofPodman(failure).replaceAll(root, name)
  return yield* new BuildFailed({ detail, exitStatus: status === 0 ? noExitStatus : status })
})

/** As whoever has a runtime says it. */
const ofPodman = (failure: string): string =>
  failure.replace(/^Error: /, "").replace(/: (?=exit status \d+$)/, ": while running runtime: ")

const passOn = (output: BuildOptions["output"], stream: "stdout" | "stderr", lines: ReadonlyArray<string>) =>
  lines.length === 0 ? Effect.void : output(stream, Buffer.from(lines.map((line) => `${line}\n`).join("")))

/** Whole lines; what does not speak of the context stays as it is, whether it is text or not. */
const renamed = (lines: Uint8Array, { name, root }: BuilderPlace["context"]): Uint8Array => {
  const bytes = Buffer.from(lines)
  return bytes.includes(root) ? Buffer.from(bytes.toString("utf8").replaceAll(root, name)) : lines
}

/** Podman's for a failure of its own. */
const noExitStatus = 125

const namespaces = ["--mount", "--propagation", "private", "--pid", "--fork", "--kill-child", "--mount-proc"]

/** Policies under the names that buildah had for them before it took Podman's (1.28). */
const pullPolicy: Readonly<Record<string, string>> = { missing: "false", newer: "true" }

const buildahWords = (place: BuilderPlace, options: BuildOptions): ReadonlyArray<string> => [
  "--root",
  join(place.directory, "storage"),
  "--runroot",
  join(place.directory, "run"),
  "--storage-driver",
  "overlay",
  "build",
  "--isolation=chroot",
  // a layer for each instruction, as Podman has it, or one for all of them
  options.squash ? "--squash" : "--layers",
  `--pull=${pullPolicy[options.pull] ?? options.pull}`,
  `--tls-verify=${options.tlsVerify}`,
  ...(options.quiet ? ["--quiet"] : []),
  ...(options.noCache ? ["--no-cache"] : []),
  ...(options.target === "" ? [] : ["--target", options.target]),
  ...options.tag.flatMap((tag) => ["--tag", tag]),
  ...options.buildArg.flatMap((argument) => ["--build-arg", argument]),
  ...options.label.flatMap((label) => ["--label", label]),
  ...place.files.flatMap((file) => ["--file", file]),
  place.context.root,
]

/** The last line of standard output is the image's id. */
const ofImage = (line: string) => /^[0-9a-f]{64}$/.test(line)

/** What the builder says of itself when it gives up; what it says else is passed on. */
const ofBuilder = (line: string) => line.startsWith("Error: ") || line.startsWith(ofItsChild)
const ofItsChild = "subprocess exited with status "
