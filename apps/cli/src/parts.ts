/**
 * The parts of the program, each with the code that was compiled of it in earlier runs of a command.
 *
 * Node's own cache has what is compiled when a part is loaded. Its functions are compiled when they are first called: a
 * third of the time of a short command. Here they are kept too, for each command those that it called; to have those of all
 * would cost each of them as much again. Flags that a command was not seen with add what they needed, once.
 *
 *   .compiled/VERSION/COMMAND/N/{PART,flags}    the highest N counts; the next one takes its place whole, or not at all
 *
 * V8 takes no code that does not fit its version, its flags and the processor; then it is made anew. It lies beside the
 * program: whoever can write there could change the program itself, which is not true of a directory of a known name in /tmp.
 * Where nobody can write, nothing is kept.
 */
import * as fs from "node:fs"
import { createRequire } from "node:module"
import { join } from "node:path"
import * as v8 from "node:v8"
import { Script } from "node:vm"

export interface Parts {
  /** What a part exports; `name` is its file with `./` before it, as parts call one another. */
  readonly load: (name: string) => unknown
  /** Which command it is, and the flags that it has. Its code is held from here on if it is to be kept. */
  readonly called: (command: string, flags: string) => void
  /** Keep the code that the command needed, once with the same flags. Never fails. */
  readonly keep: () => void
}

/** So many commands have code, which takes some 2 MB for each. */
const mostCommands = 48
/** With so many combinations of flags; after that there is little left to be gained. */
const mostFlags = 48

/** What Node gives a CommonJS module (Node's documentation, "The module wrapper"). */
const parameters = "exports, require, module, __filename, __dirname"
type Body = (
  exports: object,
  require: (name: string) => unknown,
  module: { exports: object },
  filename: string,
  dirname: string,
) => void

/** `entry` is the file that Node itself has loaded, `words` the command line. */
export const openParts = (directory: string, entry: string, words: ReadonlyArray<string>): Parts => {
  // V8 takes code only under the flags that it was made with: who leaves out the program's own has other code
  const flags = process.execArgv.filter((word) => word.startsWith("--min-semi-space-size=")).join("")
  const cache = join(directory, ".compiled", `${process.version}-${process.arch}${flags}`)
  const commands = namesIn(cache)
  const expected = commandIn(words, commands)
  const generation = expected === undefined ? 0 : latest(join(cache, expected))
  const before = join(cache, expected ?? "", String(generation))
  let fits = generation > 0
  let call: readonly [command: string, flags: string] | undefined
  const hold = codeHold()
  const loaded = new Map<string, { readonly script: Script; readonly module: { exports: object } }>()
  const ofNode = createRequire(join(directory, entry))
  const required = (name: string) =>
    name.startsWith("./") && name !== `./${entry}` ? load(name) : (ofNode(name) as unknown)
  const load = (name: string): unknown => {
    const known = loaded.get(name)
    if (known !== undefined) return known.module.exports
    const file = join(directory, name)
    const cachedData = fits ? readIfThere(join(before, name)) : undefined
    const text = `(function (${parameters}) {${fs.readFileSync(file, "latin1")}\n})`
    const script = hold.interrupted(
      () => new Script(text, { filename: file, ...(cachedData === undefined ? {} : { cachedData }) }),
    )
    if (script.cachedDataRejected === true) {
      fits = false
      hold.begin()
    }
    const module = { exports: {} }
    loaded.set(name, { script, module })
    ;(script.runInThisContext() as Body)(module.exports, required, module, file, directory)
    return module.exports
  }
  let lines: ReadonlyArray<string> | undefined
  /** Combinations of flags that had what they needed. */
  const seen = (command: string): ReadonlyArray<string> =>
    command === expected && fits ? (lines ??= linesOf(join(before, flagsFile))) : []
  const adds = (command: string, flags: string): boolean => {
    const had = seen(command)
    return command === expected
      ? had.length < mostFlags && !had.includes(flags)
      : // it was not seen in the words, or it was made meanwhile
        commands.length < mostCommands && latest(join(cache, command)) === 0
  }
  const write = (command: string, flags: string): void => {
    const builds = command === expected && fits
    fs.mkdirSync(join(cache, command), { recursive: true })
    const made = fs.mkdtempSync(join(cache, command, "new-"))
    try {
      fs.chmodSync(made, 0o755)
      for (const [name, { script }] of loaded) {
        writeSynced(
          join(made, name),
          hold.interrupted(() => script.createCachedData()),
        )
      }
      for (const name of builds ? fs.readdirSync(before) : []) {
        if (name !== flagsFile && !loaded.has(`./${name}`)) fs.linkSync(join(before, name), join(made, name))
      }
      writeSynced(join(made, flagsFile), [...seen(command), flags, ""].join("\n"))
      // another process may have been faster, and what it has is not in here
      fs.renameSync(made, join(cache, command, String((command === expected ? generation : 0) + 1)))
      if (command === expected) fs.rmSync(before, { recursive: true, force: true })
    } finally {
      fs.rmSync(made, { recursive: true, force: true })
    }
  }
  return {
    load,
    called: (command, flags) => {
      call = [command, flags]
      if (adds(command, flags)) hold.begin()
    },
    keep: () => {
      try {
        if (call !== undefined && adds(...call)) write(...call)
      } catch {
        // a read-only program, a full disk: it is compiled again the next time
      }
    },
  }
}

/**
 * V8 drops the code of what has not run for some time, which a command that works for long would then not have to keep. It
 * can be told not to; but code is only taken with the flags that it was made with, and most commands have no time to set any.
 */
const codeHold = () => {
  let holds = false
  const set = (on: boolean) => v8.setFlagsFromString(on ? "--no-flush-bytecode" : "--flush-bytecode")
  return {
    begin: (): void => {
      holds = true
      set(true)
    },
    /** Code is read or handed out, with the flags of always. */
    interrupted: <A>(work: () => A): A => {
      if (!holds) return work()
      set(false)
      try {
        return work()
      } finally {
        set(true)
      }
    },
  }
}

const flagsFile = "flags"

/** The command whose words come first; a guess that only costs time when it is wrong. */
const commandIn = (words: ReadonlyArray<string>, commands: ReadonlyArray<string>): string | undefined => {
  for (let at = 0; at < words.length; at++) {
    const [pair, one] = [words.slice(at, at + 2).join(" "), words[at] ?? ""]
    if (commands.includes(pair)) return pair
    if (commands.includes(one)) return one
  }
  return undefined
}

/** The highest generation; 0 when there is none. */
const latest = (home: string): number =>
  namesIn(home).reduce((most, name) => (/^\d+$/.test(name) ? Math.max(most, Number(name)) : most), 0)

const linesOf = (path: string): ReadonlyArray<string> =>
  (readIfThere(path)?.toString("latin1") ?? "").split("\n").slice(0, -1)

const namesIn = (directory: string): ReadonlyArray<string> => {
  try {
    return fs.readdirSync(directory)
  } catch {
    return []
  }
}

const readIfThere = (path: string): Buffer | undefined => {
  try {
    return fs.readFileSync(path)
  } catch {
    return undefined
  }
}

/** Half of it, after a power cut, could be taken for the whole. */
const writeSynced = (path: string, content: Uint8Array | string): void =>
  fs.writeFileSync(path, content, { encoding: "latin1", flush: true })
