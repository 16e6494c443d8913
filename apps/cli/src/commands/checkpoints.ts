/** `checkpoint`: look into checkpoints. */
import * as fs from "node:fs"
import {
  checkedOptions,
  CheckpointDiffFlags,
  CheckpointEngine,
  CheckpointInspectFlags,
  type CheckpointDiff,
  type CheckpointViewFailure,
  type MemoryFinding,
  type MemoryPiece,
  MemorySearchFlags,
  RestoreFlags,
  restoreRequest,
  StorageFailed,
} from "@cryopod/entities"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as Struct from "effect/Struct"
import { sourceOf } from "../checkpointSource.ts"
import { checkText, harmless, inspectTable, inspectTree, type Sections } from "../checkpointView.ts"
import { restoreDefaults, withPolicyDocument } from "../restoreFlags.ts"
import { completeContainers } from "../completions.ts"
import { flagTable, optionsOf } from "../flags.ts"
import type { CliCommand } from "../Handler.ts"
import { bytesSize, exactArgs, minimumArgs, tableText, valuesOf } from "../kit/index.ts"
import { printLine, refuse, writeOut } from "../output.ts"

const anything = "CONTAINER|IMAGE|FILE"

const sectionFlags = {
  all: { kind: "bool", usage: "Show everything but the environment" },
  files: { kind: "bool", usage: "Display the open files of processes" },
  identities: { kind: "bool", usage: "Display users, capabilities and restrictions of processes" },
  memory: { kind: "bool", usage: "Display the memory of processes, mapping by mapping" },
  metadata: { kind: "bool", usage: "Display annotations and labels" },
  mounts: { kind: "bool", usage: "Display mounts and volumes" },
  pid: { kind: "uint", short: "p", usage: "Display one process and those below it" },
  "ps-tree": { kind: "bool", usage: "Display processes" },
  "ps-tree-cmd": { kind: "bool", usage: "Display processes with their command lines" },
  rootfs: { kind: "bool", usage: "Display changes of the root filesystem" },
  sockets: { kind: "bool", usage: "Display the open sockets of processes" },
  stats: { kind: "bool", usage: "Display CRIU's statistics of the dump" },
  format: { kind: "string", usage: "Output format: tree, table or json", default: "tree" },
} as const

const inspect: CliCommand = {
  name: "inspect",
  short: "Display what is in checkpoints",
  long: "Display what is in the checkpoints of containers, in checkpoint images and in archives.",
  use: `[options] ${anything} [${anything}...]`,
  example:
    "cryopod checkpoint inspect web\ncryopod checkpoint inspect --all ./web.tar.zst\ncryopod checkpoint inspect --format json web:1",
  flags: { ...sectionFlags, ...flagTable(CheckpointInspectFlags) },
  args: minimumArgs(1),
  complete: completeContainers,
  handler: (call) =>
    Effect.gen(function* () {
      const values = valuesOf(call, sectionFlags)
      const { environment } = optionsOf(CheckpointInspectFlags, call)
      const { all, format, pid } = values
      if (!["tree", "table", "json"].includes(format)) return yield* refuse(`unknown format ${JSON.stringify(format)}`)
      const commands = all || values["ps-tree-cmd"]
      const { files, identities, memory, sockets } = values
      const sections: Sections = {
        metadata: all || values.metadata,
        processes:
          all || values["ps-tree"] || commands || environment || files || sockets || memory || identities || pid > 0,
        commands,
        environment,
        identities: all || identities,
        files: all || files,
        sockets: all || sockets,
        memory: all || memory,
        mounts: all || values.mounts,
        rootfs: all || values.rootfs,
        stats: all || values.stats,
        pid,
      }
      const engine = yield* CheckpointEngine
      const reports = yield* Effect.forEach(call.args, (word) => engine.inspect(sourceOf(word), { environment }))
      for (const { processes, source } of reports) {
        if (pid > 0 && !processes.some((one) => one.pid === pid))
          return yield* refuse(`checkpoint ${source} has no process ${pid}`)
      }
      if (format === "json") yield* writeOut(`${JSON.stringify(reports, undefined, 2)}\n`)
      else {
        for (const report of reports) {
          yield* writeOut(format === "table" ? inspectTable(report, sections) : inspectTree(report, sections))
        }
      }
      return 0
    }),
}

/** Options of a restore that make a difference to whether it would work. */
const checkOptions = Struct.pick(RestoreFlags, checkedOptions)

const check: CliCommand = {
  name: "check",
  short: "Tell whether a checkpoint would thaw on this host, and what to do if it would not",
  use: `[options] ${anything}`,
  example: "cryopod checkpoint check web:1\ncryopod checkpoint check --name web2 --policy trusted ./web.tar.zst",
  flags: {
    ...flagTable(checkOptions),
    format: { kind: "string", usage: "Output format: table or json", default: "table" },
  },
  args: exactArgs(1),
  complete: completeContainers,
  handler: (call) =>
    Effect.gen(function* () {
      const flags = yield* withPolicyDocument({ ...restoreDefaults, ...optionsOf(checkOptions, call) })
      const [ref = ""] = call.args
      const { options } = yield* Effect.fromResult(restoreRequest(flags, [ref]))
      const found = yield* (yield* CheckpointEngine).check(sourceOf(ref), options)
      yield* writeOut(call.flags["format"] === "json" ? `${JSON.stringify(found, undefined, 2)}\n` : checkText(found))
      return found.thaws ? 0 : 1
    }),
}

const formatFlag = { format: { kind: "string", usage: "Output format: table or json", default: "table" } } as const

/** Where the kubelet has them (`/checkpoint` of its API). */
const kubeletDirectory = "/var/lib/kubelet/checkpoints"

const list: CliCommand = {
  name: "list",
  aliases: ["ls"],
  short: "List checkpoints of containers, checkpoint images, and archives in directories",
  use: "[options] [DIRECTORY...]",
  example: "cryopod checkpoint list\ncryopod checkpoint list /srv/checkpoints",
  flags: formatFlag,
  handler: (call) =>
    Effect.gen(function* () {
      const { format } = valuesOf(call, formatFlag)
      const usual = fs.existsSync(kubeletDirectory) ? [kubeletDirectory] : []
      const rows = yield* (yield* CheckpointEngine).list([...usual, ...call.args])
      if (format === "json") yield* writeOut(`${JSON.stringify(rows, undefined, 2)}\n`)
      else {
        yield* writeOut(
          tableText([
            ["KIND", "CHECKPOINT", "CONTAINER", "IMAGE", "RUNTIME", "ENGINE", "MADE", "SIZE"],
            ...rows.map((row) => [
              row.kind,
              harmless(row.source),
              harmless(row.container),
              harmless(row.image),
              harmless(row.runtime),
              row.engine,
              row.made.replace(/\.\d+Z$/, "Z"),
              bytesSize(row.sizeBytes),
            ]),
          ]),
        )
      }
      return 0
    }),
}

const diff: CliCommand = {
  name: "diff",
  short: "Show what differs from one checkpoint to another",
  use: `[options] ${anything} ${anything}`,
  example: "cryopod checkpoint diff web:1 web:2\ncryopod checkpoint diff --format json before.tar after.tar",
  flags: { ...flagTable(CheckpointDiffFlags), ...formatFlag },
  args: exactArgs(2),
  complete: completeContainers,
  handler: (call) =>
    Effect.gen(function* () {
      const [before = "", after = ""] = call.args
      const found = yield* (yield* CheckpointEngine).diff(
        sourceOf(before),
        sourceOf(after),
        optionsOf(CheckpointDiffFlags, call),
      )
      const json = valuesOf(call, formatFlag).format === "json"
      yield* writeOut(json ? `${JSON.stringify(found, undefined, 2)}\n` : diffText(found))
      return 0
    }),
}

const signs = { added: "+", removed: "-", changed: "~", same: " " } as const

const diffText = ({ processes, rootfs, sizes, sockets }: CheckpointDiff): string =>
  [
    `Size: ${bytesSize(sizes.before)} → ${bytesSize(sizes.after)}`,
    "Processes:",
    ...processes.flatMap(({ arguments: words, change, environment, files, memory, name, pid }) => [
      `${signs[change]} [${pid}] ${words.join(" ") || name}: memory ${bytesSize(memory.before)} → ${bytesSize(memory.after)}, ${bytesSize(memory.different)} different`,
      ...files.map((file) => `    ${signs[file.change]} ${file.fd}: ${file.after || file.before}`),
      ...environment.map((one) => `    ${signs[one.change]} ${one.after || one.before}`),
    ]),
    "Sockets:",
    ...sockets.map(({ after, before, change, pid }) => `${signs[change]} [${pid}] ${after || before}`),
    "Root filesystem:",
    ...rootfs.map(({ change, path }) => `${signs[change]} ${path}`),
  ]
    .map((text) => `${harmless(text)}\n`)
    .join("")

const pidFlag = { pid: { kind: "uint", short: "p", usage: "Number of the process" } } as const

const show: CliCommand = {
  name: "show",
  short: "Display how much memory processes have in a checkpoint, or what is in that of one",
  use: `[options] ${anything}`,
  example: "cryopod checkpoint memory show web\ncryopod checkpoint memory show --pid 1 web",
  flags: pidFlag,
  args: exactArgs(1),
  complete: completeContainers,
  handler: (call) =>
    Effect.gen(function* () {
      const engine = yield* CheckpointEngine
      const source = sourceOf(call.args[0] ?? "")
      const { pid } = valuesOf(call, pidFlag)
      if (pid > 0) {
        yield* Stream.runForEach(engine.memory(source, { pid }), ({ address, content }) =>
          writeOut(hexadecimalLines(address, content)),
        )
        return 0
      }
      const { processes } = yield* engine.inspect(source, { environment: false })
      yield* writeOut(
        tableText([
          ["PID", "PROCESS NAME", "MEMORY SIZE", "SHARED MEMORY SIZE"],
          ...processes.map((one) => [
            String(one.pid),
            harmless(one.name),
            bytesSize(one.memoryBytes),
            bytesSize(one.sharedBytes),
          ]),
        ]),
      )
      return 0
    }),
}

const lineBytes = 16

/** Address, bytes, and what of them can be read. */
const hexadecimalLines = (address: bigint, content: Uint8Array): string => {
  const lines: Array<string> = []
  for (let at = 0; at < content.length; at += lineBytes) {
    const bytes = Buffer.from(content.subarray(at, at + lineBytes))
    const digits = (bytes.toString("hex").match(/../g) ?? []).join(" ").padEnd(lineBytes * 3 - 1)
    const text = bytes.toString("latin1").replaceAll(/[^\x20-\x7e]/g, ".")
    lines.push(`${(address + BigInt(at)).toString(16).padStart(16, "0")}  ${digits}  |${text}|\n`)
  }
  return lines.join("")
}

const search: CliCommand = {
  name: "search",
  short: "Look for text in the memory of a checkpoint's processes",
  use: `[options] ${anything}`,
  example:
    "cryopod checkpoint memory search --search password web\ncryopod checkpoint memory search -p 1 -r 'key=[0-9a-f]+' -c 16 web:1",
  flags: { ...flagTable(MemorySearchFlags), ...formatFlag },
  args: exactArgs(1),
  complete: completeContainers,
  handler: (call) =>
    Effect.gen(function* () {
      const flags = optionsOf(MemorySearchFlags, call)
      if ((flags.search === "") === (flags.searchRegex === ""))
        return yield* refuse("give either --search or --search-regex")
      if (flags.context < 0) return yield* refuse("--context cannot be negative")
      const pattern =
        flags.search === ""
          ? ({ _tag: "Expression", pattern: flags.searchRegex } as const)
          : ({ _tag: "Text", pattern: flags.search } as const)
      const found = (yield* CheckpointEngine).search(sourceOf(call.args[0] ?? ""), {
        ...(flags.pid > 0 ? { pid: flags.pid } : {}),
        pattern,
        contextBytes: flags.context,
      })
      const json = valuesOf(call, formatFlag).format === "json"
      const count = yield* Stream.runFoldEffect(
        found,
        () => 0,
        (before, one) => Effect.as(json ? printLine(JSON.stringify(one)) : printLine(findingText(one)), before + 1),
      )
      // as grep(1): nothing was found
      return count === 0 ? 1 : 0
    }),
}

const findingText = ({ address, context, pid }: MemoryFinding): string =>
  `${pid}\t${address.padStart(16, "0")}\t${Buffer.from(context, "hex")
    .toString("latin1")
    .replaceAll(/[^\x20-\x7e]/g, ".")}`

const dumpFlags = {
  ...pidFlag,
  output: { kind: "string", short: "o", usage: "File to write to, - for standard output", default: "-" },
} as const

const dump: CliCommand = {
  name: "dump",
  short: "Write the memory of a process in a checkpoint to a file",
  long: "Write the pages that a checkpoint has of a process, in the order of their addresses and without those between.",
  use: `[options] ${anything}`,
  example: "cryopod checkpoint memory dump -p 1 -o memory.bin web",
  flags: dumpFlags,
  args: exactArgs(1),
  complete: completeContainers,
  handler: (call) =>
    Effect.gen(function* () {
      const { output, pid } = valuesOf(call, dumpFlags)
      if (pid === 0) return yield* refuse("give the number of a process with --pid")
      const memory = (yield* CheckpointEngine).memory(sourceOf(call.args[0] ?? ""), { pid })
      if (output === "-") yield* Stream.runForEach(memory, ({ content }) => writeOut(content))
      else yield* writeFile(output, memory)
      return 0
    }),
}

/** For its owner alone: memory is full of secrets. A file that is not complete does not stay. */
const writeFile = (path: string, memory: Stream.Stream<MemoryPiece, CheckpointViewFailure>) => {
  const attempt = <A>(operation: string, work: () => A) =>
    Effect.try({
      try: work,
      catch: (cause) => new StorageFailed({ operation, path, code: (cause as NodeJS.ErrnoException).code ?? "EIO" }),
    })
  return Effect.acquireUseRelease(
    attempt("open", () => fs.openSync(path, "w", 0o600)),
    (fd) =>
      Stream.runForEach(memory, ({ content }) =>
        attempt("write", () => {
          for (let at = 0; at < content.length;) at += fs.writeSync(fd, content, at)
        }),
      ).pipe(Effect.onError(() => Effect.sync(() => fs.rmSync(path, { force: true })))),
    (fd) => Effect.sync(() => fs.closeSync(fd)),
  )
}

const memory: CliCommand = {
  name: "memory",
  short: "Look into the memory of a checkpoint",
  commands: [dump, search, show],
}

export const checkpointViews: CliCommand = {
  name: "checkpoint",
  short: "Look into checkpoints",
  commands: [check, diff, inspect, list, memory],
}
