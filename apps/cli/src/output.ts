/** What commands write, and the exit status that goes with it. */
import { writeSync } from "node:fs"
import { ContainerStateImproper, Failure, type Item } from "@cryopod/entities"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { CommandFailure } from "./Handler.ts"

/** Podman's exit status for its own failures. */
export const failureStatus = 125

const write = (descriptor: number, text: string | Uint8Array): void => {
  const bytes = typeof text === "string" ? Buffer.from(text) : text
  for (let at = 0; at < bytes.length;) {
    try {
      at += writeSync(descriptor, bytes, at)
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException
      // a reader that has seen enough is no failure of ours; a full non-blocking pipe is waited for
      if (code === "EPIPE") process.exit(0)
      if (code !== "EAGAIN") throw cause
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5)
    }
  }
}

let discarding = false
/** `--noout`: from now on nothing is written to standard output. */
export const discardOutput = (): void => {
  discarding = true
}

export const writeOut = (text: string | Uint8Array): Effect.Effect<void> =>
  Effect.sync(() => {
    if (!discarding) write(1, text)
  })
export const writeError = (text: string | Uint8Array): Effect.Effect<void> => Effect.sync(() => write(2, text))
export const printLine = (line: string): Effect.Effect<void> => writeOut(`${line}\n`)

export const printFailure = (failure: { readonly message: string }): Effect.Effect<void> =>
  writeError(`Error: ${failure.message}\n`)

/** What `inspect` has not found: the first is the command's failure, the others are said before it. */
export const printMissing = ([first, ...others]: ReadonlyArray<string>): Effect.Effect<void> =>
  first === undefined ? Effect.void : writeError(`${others.map((text) => `${text}\n`).join("")}Error: ${first}\n`)

/** As Podman logs where standard error is no terminal. */
const printLogged =
  (level: "warning" | "error") =>
  (text: string): Effect.Effect<void> =>
    Effect.flatMap(DateTime.now, (now) =>
      writeError(
        `time="${DateTime.formatIso(now).replace(/\.\d+Z$/, "Z")}" level=${level} msg=${JSON.stringify(text)}\n`,
      ),
    )

export const printWarning = printLogged("warning")
export const printComplaint = printLogged("error")

/** One line per success in order, one error per failure; the status says whether all went well. */
export const printItems = <A, E extends CommandFailure>(
  items: ReadonlyArray<Item<A, E>>,
  line: (report: A, input: string) => string,
  statusOf: (failure: E) => number = exitStatus,
): Effect.Effect<number> =>
  Effect.gen(function* () {
    let status = 0
    for (const { input, result } of items) {
      if (Result.isSuccess(result)) yield* printLine(line(result.success, input))
      else {
        yield* printFailure(result.failure)
        status = Math.max(status, statusOf(result.failure))
      }
    }
    return status
  })

/** The failures alone, where the successes are printed otherwise. */
export const printFailures = <A, E extends CommandFailure>(items: ReadonlyArray<Item<A, E>>): Effect.Effect<number> =>
  printItems(
    items.filter(({ result }) => Result.isFailure(result)),
    () => "",
  )

/** The same failure in other words or with another status, where Podman has its own for a command. */
export const reworded = (
  { _tag, exitStatus: own }: CommandFailure,
  message: string,
  status: number | undefined = own,
): CommandFailure => ({ _tag, message, ...(status === undefined ? {} : { exitStatus: status }) })

/** Several failures as one: hashicorp/go-multierror, ListFormatFunc. */
export const printTogether = (failures: ReadonlyArray<CommandFailure>): Effect.Effect<void> => {
  const [first] = failures
  if (first === undefined) return Effect.void
  if (failures.length === 1) return printFailure(first)
  const lines = failures.map(({ message }) => `* ${message}`)
  return writeError(`Error: ${lines.length} errors occurred:\n\t${lines.join("\n\t")}\n`)
}

export const exitStatus = (failure: CommandFailure): number => failure.exitStatus ?? failureStatus

/** `rm`, `rmi`, `network rm` and `volume rm` tell what stood in the way by their status: 1 for what is not there, 2 for what is in use. */
export const removalStatus = (failure: CommandFailure): number => {
  // without a name, nothing is missing
  if (missingTags.has(failure._tag)) return "ref" in failure && failure.ref === "" ? failureStatus : 1
  if (inUseTags.has(failure._tag)) return 2
  return failure instanceof ContainerStateImproper && failure.operation === "remove" ? 2 : exitStatus(failure)
}

const missingTags = new Set([
  "ContainerNotFound",
  "ImageNotFound",
  "NetworkNotFound",
  "NoContainers",
  "NoPods",
  "PodNotFound",
  "VolumeNotFound",
])
const inUseTags = new Set(["ImageInUse", "NetworkInUse", "VolumeInUse"])

/** A command line that asks for something that cannot be meant, found by the command itself. */
export class Problem extends Failure("Problem", { text: Schema.String }) {
  override get message() {
    return this.text
  }
}

/** Refuse a command line. */
export const refuse = (text: string): Effect.Effect<never, Problem> => Effect.fail(new Problem({ text }))
