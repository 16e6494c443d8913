/**
 * The programs that containers in memory run: a few of busybox's, and two of the suite's own (`count`, `hold`).
 *
 * A program is plain data that goes from step to step, so that it can be frozen anywhere, carried elsewhere, and go on.
 * This file reads scripts and decides what one statement does; time and streams are `Process.ts`'s.
 */
import type { Mounted, MountedTrees } from "./MemoryMounts.ts"
import type { Rlimit } from "../../values/Ulimit.ts"
import { type Files, type FileNode, isDirectory, parentOf, resolvePath, textFile, textOf } from "./Files.ts"

/** Words before variables are filled in: parts that are literal, and parts that may hold `$NAME`. */
type Word = ReadonlyArray<{ readonly text: string; readonly literal: boolean }>

export interface Statement {
  readonly words: ReadonlyArray<Word>
  /** Where standard output goes, when it is not the container's. */
  readonly output?: { readonly to: "file"; readonly path: Word; readonly append: boolean } | { readonly to: "stderr" }
  /** Behind `&&` and `||`: only when what came before went so. */
  readonly after: "always" | "success" | "failure"
}

/** What a program is in the middle of. */
export type Activity =
  | { readonly _tag: "Counting"; readonly next: number }
  | { readonly _tag: "Sleeping"; readonly millis: number }
  /** `cat`: standard input to standard output. */
  | { readonly _tag: "Copying" }

/** Everything a program is; as JSON it is what a checkpoint holds of its memory. */
export interface Program {
  readonly activity?: Activity
  readonly rest: ReadonlyArray<Statement>
  /** Of a shell that takes statements from standard input: the line that has begun. */
  readonly line?: string
  /** Status of the last statement. */
  readonly status: number
  /** Holds a file lock, as `hold lock` does. */
  readonly locks: boolean
  /** Has an established TCP connection, as `hold connection` does. */
  readonly connected: boolean
}

/** What a program finds around it. */
export interface Machine {
  readonly files: Files
  readonly shm: Files
  readonly mounts: MountedTrees
  readonly env: ReadonlyMap<string, string>
  readonly workdir: string
  readonly hostname: string
  readonly uid: number
  /** Effective capabilities, a bit each. */
  readonly capabilities: bigint
  readonly rlimits: ReadonlyArray<Rlimit>
  readonly shmSizeBytes: number
  readonly readOnly: boolean
  /** Size of the terminal; absent without one. */
  readonly terminal: () => { readonly columns: number; readonly rows: number } | undefined
}

/** The program that a command line starts, or the name of the one that is not there. */
export const programOf = (command: ReadonlyArray<string>, machine: Machine): Program | { readonly missing: string } => {
  const [name = "", ...args] = command
  const base = name.slice(name.lastIndexOf("/") + 1)
  if (!isKnown(base) || (name.includes("/") && !isInstalled(name, machine))) return { missing: name }
  const idle = { rest: [], status: 0, locks: false, connected: false }
  if (base === "sh" && args[0] === "-c") return { ...idle, rest: parseScript(args[1] ?? "") }
  if (base === "sh" && args.length === 0) return { ...idle, line: "" }
  return { ...idle, rest: [{ words: command.map(literal), after: "always" }] }
}

const literal = (text: string): Word => [{ text, literal: true }]

const isInstalled = (path: string, machine: Machine) => /^\/(usr\/)?bin\//.test(path) || machine.files.has(path)

/** Statements parted by `;`, `&&`, `||` and line ends. */
export const parseScript = (script: string): ReadonlyArray<Statement> => {
  const statements: Array<Statement> = []
  let words: Array<Array<{ text: string; literal: boolean }>> = []
  let word: Array<{ text: string; literal: boolean }> | undefined
  let after: Statement["after"] = "always"
  const endWord = () => {
    if (word !== undefined) words.push(word)
    word = undefined
  }
  const endStatement = (next: Statement["after"]) => {
    endWord()
    if (words.length > 0) statements.push({ ...redirected(words), after })
    words = []
    after = next
  }
  const tokens = /\\(.)|'([^']*)'|"((?:[^"\\]|\\.)*)"|(&&|\|\|)|([;\n])|(\s+)|(>&2|[^\\'"\s;&|\n]+|&)/gs
  for (const [, escaped, single, double, and, end, blank, plain] of script.matchAll(tokens)) {
    if (and !== undefined) endStatement(and === "&&" ? "success" : "failure")
    else if (end !== undefined) endStatement("always")
    else if (blank !== undefined) endWord()
    else {
      word ??= []
      const text = escaped ?? single
      if (text !== undefined) word.push({ text, literal: true })
      else word.push({ text: double?.replaceAll(/\\(.)/g, "$1") ?? plain ?? "", literal: false })
    }
  }
  endStatement("always")
  return statements
}

const redirected = (words: ReadonlyArray<Word>): Omit<Statement, "after"> => {
  const at = words.findIndex((word) => word.length === 1 && /^(>>?|>&2)$/.test(word[0]?.text ?? ""))
  if (at === -1) return { words }
  const operator = words[at]?.[0]?.text
  if (operator === ">&2") return { words: words.slice(0, at), output: { to: "stderr" } }
  return {
    words: words.slice(0, at),
    output: { to: "file", path: words[at + 1] ?? [], append: operator === ">>" },
  }
}

const expand = (word: Word, { env }: Machine): string =>
  word
    .map(({ literal: fixed, text }) =>
      fixed
        ? text
        : text.replaceAll(
            /\$(?:\{(\w+)\}|(\w+))/g,
            (_, braced?: string, bare?: string) => env.get(braced ?? bare ?? "") ?? "",
          ),
    )
    .join("")

/** What one statement did. */
export interface Outcome {
  readonly stdout: string
  readonly stderr: string
  readonly status: number
  /** What the program is busy with from here on. */
  readonly activity?: Activity
  readonly locks?: boolean
  readonly connected?: boolean
  /** The program is over. */
  readonly exits?: boolean
}

const said = (stdout: string): Outcome => ({ stdout, stderr: "", status: 0 })
const complained = (stderr: string, status = 1): Outcome => ({ stdout: "", stderr: `${stderr}\n`, status })
const silent: Outcome = said("")

export const runStatement = (statement: Statement, status: number, machine: Machine): Outcome => {
  const [name = "", ...args] = statement.words.map((word) => expand(word, machine))
  const run = programs[name.slice(name.lastIndexOf("/") + 1)]
  const outcome = run === undefined ? complained(`sh: ${name}: not found`, 127) : run(args, machine, status)
  if (statement.output === undefined) return outcome
  if (statement.output.to === "stderr") return { ...outcome, stdout: "", stderr: outcome.stderr + outcome.stdout }
  const path = resolvePath(machine.workdir, expand(statement.output.path, machine))
  const before = statement.output.append ? (textOf(nodeAt(machine, path)) ?? "") : ""
  const problem = writeNode(machine, path, textFile(before + outcome.stdout))
  return problem === undefined ? { ...outcome, stdout: "" } : complained(`sh: can't create ${path}: ${problem}`)
}

type Run = (args: ReadonlyArray<string>, machine: Machine, status: number) => Outcome

const operands = (args: ReadonlyArray<string>) => args.filter((word) => !word.startsWith("-"))

const programs: Readonly<Record<string, Run>> = {
  true: () => silent,
  false: () => ({ ...silent, status: 1 }),
  exit: ([code], _, status) => ({ ...silent, status: code === undefined ? status : Number(code), exits: true }),
  echo: (args) => said(args[0] === "-n" ? args.slice(1).join(" ") : `${args.join(" ")}\n`),
  pwd: (_, { workdir }) => said(`${workdir}\n`),
  hostname: (_, { hostname }) => said(`${hostname}\n`),
  id: (_, { uid }) => said(`${uid}\n`),
  ulimit: ([flag = ""], { rlimits }) => {
    const soft = rlimits.find(({ type }) => type === limitFlags[flag])?.soft
    return said(`${soft ?? "unlimited"}\n`)
  },
  df: (_, { shmSizeBytes }) =>
    said(
      `Filesystem 1K-blocks Used Available Use% Mounted on\nshm ${shmSizeBytes / 1024} 0 ${shmSizeBytes / 1024} 0% /dev/shm\n`,
    ),
  env: (_, { env }) => said([...env].map(([name, value]) => `${name}=${value}\n`).join("")),
  sleep: ([seconds = "0"]) => ({ ...silent, activity: { _tag: "Sleeping", millis: Number(seconds) * 1000 } }),
  count: ([from = "0"]) => ({ ...silent, activity: { _tag: "Counting", next: Number(from) } }),
  hold: ([what = ""]) => ({
    ...silent,
    activity: { _tag: "Counting", next: 0 },
    locks: what === "lock",
    connected: what === "connection",
  }),
  stty: (_, { terminal }) => {
    const size = terminal()
    return size === undefined ? complained("stty: standard input: Not a tty") : said(`${size.rows} ${size.columns}\n`)
  },
  cat: (args, machine) => {
    if (args.length === 0) return { ...silent, activity: { _tag: "Copying" } }
    let outcome = silent
    for (const path of args) {
      const content = textOf(nodeAt(machine, resolvePath(machine.workdir, path)))
      outcome =
        content === undefined
          ? {
              ...outcome,
              stderr: `${outcome.stderr}cat: can't open '${path}': No such file or directory\n`,
              status: 1,
            }
          : { ...outcome, stdout: outcome.stdout + content }
    }
    return outcome
  },
  grep: ([pattern = "", path = ""], machine) => {
    const content = textOf(nodeAt(machine, resolvePath(machine.workdir, path))) ?? ""
    const lines = content.split("\n").filter((line) => line.includes(pattern))
    return { ...said(lines.map((line) => `${line}\n`).join("")), status: lines.length > 0 ? 0 : 1 }
  },
  rm: (args, machine) => {
    for (const path of operands(args)) {
      const full = resolvePath(machine.workdir, path)
      const { files, path: inside, readOnly } = place(machine, full)
      if (readOnly) return complained(`rm: can't remove '${path}': Read-only file system`)
      if (!files.has(inside) && !args.includes("-f")) {
        return complained(`rm: can't remove '${path}': No such file or directory`)
      }
      for (const name of files.keys()) {
        if (name === inside || name.startsWith(`${inside}/`)) files.delete(name)
      }
    }
    return silent
  },
  mkdir: (args, machine) => {
    for (const path of operands(args)) {
      const problem = writeNode(machine, resolvePath(machine.workdir, path), { kind: "directory" })
      if (problem !== undefined) return complained(`mkdir: can't create directory '${path}': ${problem}`)
    }
    return silent
  },
  test: ([flag, path = ""], machine) => {
    const node = nodeAt(machine, resolvePath(machine.workdir, path))
    const holds = flag === "-d" ? node?.kind === "directory" : node !== undefined
    return { ...silent, status: holds ? 0 : 1 }
  },
}

/** `ulimit -n` and so on. */
const limitFlags: Readonly<Record<string, string>> = {
  "-n": "RLIMIT_NOFILE",
  "-u": "RLIMIT_NPROC",
  "-c": "RLIMIT_CORE",
}

const isKnown = (name: string) => name === "sh" || programs[name] !== undefined

/** The tree that a path lies in, and its name there: a volume, shared memory, or the root filesystem. */
const place = (machine: Machine, path: string): Mounted & { readonly path: string } => {
  const trees = [...machine.mounts, ["/dev/shm", { files: machine.shm, readOnly: false }] as const]
  // the innermost counts
  const found = trees
    .toSorted(([one], [other]) => other.length - one.length)
    .find(([mount]) => path.startsWith(`${mount}/`))
  if (found === undefined) return { files: machine.files, readOnly: machine.readOnly, path }
  const [mount, tree] = found
  return { ...tree, path: path.slice(mount.length) }
}

const nodeAt = (machine: Machine, path: string): FileNode | undefined => {
  if (path === "/proc/self/status") return textFile(`CapEff:\t${machine.capabilities.toString(16).padStart(16, "0")}\n`)
  const inside = place(machine, path)
  return inside.files.get(inside.path)
}

/** The kernel's words when it cannot be written. */
const writeNode = (machine: Machine, path: string, node: FileNode): string | undefined => {
  const inside = place(machine, path)
  if (inside.readOnly) return "Read-only file system"
  if (!isDirectory(inside.files, parentOf(inside.path))) return "nonexistent directory"
  inside.files.set(inside.path, node)
  return undefined
}
