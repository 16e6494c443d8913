/**
 * The images that a Containerfile names: those it builds upon, copies from or mounts.
 *
 * The builder reads the file; this only looks for names that this host's store may have, so that they are offered to it. What is
 * not recognised here the builder asks of a registry, and says so. Containerfile(5).
 */
import { splitPair } from "@cryopod/entities"

interface Instruction {
  readonly name: string
  readonly words: ReadonlyArray<string>
}

/** Names of images in their order, each once; `arguments` are the `NAME=VALUE` of `--build-arg`. */
export const baseImages = (containerfile: string, buildArguments: ReadonlyArray<string>): ReadonlyArray<string> => {
  const given = new Map(buildArguments.map(splitPair))
  const known = new Map<string, string>()
  const stages = new Set<string>()
  const names = new Set<string>()
  const note = (word: string) => {
    const name = expanded(word, known)
    if (name !== "" && name !== "scratch" && !stages.has(name.toLowerCase()) && !/^\d+$/.test(name)) names.add(name)
  }
  for (const { name, words } of instructionsOf(containerfile)) {
    const operands = words.filter((word) => !word.startsWith("--"))
    if (name === "ARG") {
      for (const [key, fallback] of words.map(splitPair)) known.set(key, given.get(key) ?? expanded(fallback, known))
    } else if (name === "FROM") {
      note(operands[0] ?? "")
      if (operands[1]?.toUpperCase() === "AS") stages.add((operands[2] ?? "").toLowerCase())
    } else {
      for (const word of words) {
        const from = /^--from=(.+)$/.exec(word)?.[1] ?? /^--mount=(?:.*,)?from=([^,]+)/.exec(word)?.[1]
        if (from !== undefined) note(from)
      }
    }
  }
  return [...names]
}

/** Lines that end in a backslash go on in the next one; comments may stand in between. */
const instructionsOf = (containerfile: string): ReadonlyArray<Instruction> =>
  containerfile
    .split(/\r?\n/)
    .filter((line) => !/^\s*#/.test(line))
    .join("\n")
    .replaceAll(/\\[ \t]*\n/g, " ")
    .split("\n")
    .flatMap((line) => {
      const [name, ...words] = line.trim().split(/\s+/)
      return name === undefined || name === ""
        ? []
        : [{ name: name.toUpperCase(), words: words.map((word) => word.replaceAll(/^"|"$/g, "")) }]
    })

/** `$NAME`, `${NAME}`, `${NAME:-word}` and `${NAME:+word}`. */
const expanded = (text: string, known: ReadonlyMap<string, string>): string =>
  text.replaceAll(
    /\$(?:(\w+)|\{(\w+)(?::([-+])([^}]*))?\})/g,
    (_, bare: string | undefined, braced: string | undefined, operator: string | undefined, word = "") => {
      const value = known.get(bare ?? braced ?? "") ?? ""
      if (operator === "-") return value === "" ? (word as string) : value
      if (operator === "+") return value === "" ? "" : (word as string)
      return value
    },
  )
