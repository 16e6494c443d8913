/** `--mount type=TYPE,KEY=VALUE,...` (Podman 5.4 `pkg/specgenutil/volumes.go`). */
import * as Result from "effect/Result"
import { MountInvalid } from "../failures/MountFailures.ts"
import type { ContainerMount } from "./ContainerMount.ts"
import { isPropagation } from "./ContainerMount.ts"
import { containerPath, tmpfsProblem } from "./VolumeFlag.ts"

type Parsed = Result.Result<ContainerMount, MountInvalid>
type Type = ContainerMount["type"]

const invalid = (problem: MountInvalid["problem"], value: string, detail?: string) =>
  new MountInvalid({ problem, value, ...(detail === undefined ? {} : { detail }) })

/** Types that libpod mounts and this engine does not. */
const unavailableTypes = new Set(["glob", "image", "ramfs", "devpts", "artifact"])

export const parseMountFlag = (text: string): Parsed => {
  const words = splitRecord(text)
  if (words === undefined)
    return Result.fail(invalid("record", text, "mount option is no record of comma-separated values"))
  const [typeWord, ...more] = words.filter((word) => word.startsWith("type="))
  if (typeWord === undefined) return Result.fail(invalid("mountFormat", text))
  if (more.length > 0) return Result.fail(invalid("mountWord", "type"))
  const type = typeWord.slice("type=".length)
  if (unavailableTypes.has(type)) return Result.fail(invalid("unavailable", type, "mounts of this type"))
  if (type !== "bind" && type !== "volume" && type !== "tmpfs") return Result.fail(invalid("type", type))
  const read = readWords(
    type,
    words.filter((word) => word !== typeWord),
  )
  return read instanceof MountInvalid ? Result.fail(read) : mountOf(type, read)
}

interface Words {
  readonly source: string
  readonly destination: string
  readonly subPath: string
  readonly options: ReadonlyArray<string>
}

const mountOf = (type: Type, { destination, options, source, subPath }: Words): Parsed => {
  if (destination === "") return Result.fail(invalid("noDestination", ""))
  if (type === "tmpfs") {
    const problem = tmpfsProblem(options)
    return problem === undefined ? Result.succeed({ type, destination, options }) : Result.fail(problem)
  }
  return type === "bind"
    ? Result.succeed({ type, source: source === "" ? destination : source, destination, options })
    : Result.succeed({
        type,
        name: source,
        anonymous: source === "",
        destination,
        options,
        ...(subPath === "" ? {} : { subPath }),
      })
}

/** Keys that exclude each other, and how the refusal of a second one names them. */
const repeatable: Readonly<Record<string, string>> = {
  readonly: "'readonly', 'ro', or 'rw' mnt.Options",
  ro: "'readonly', 'ro', or 'rw' mnt.Options",
  rw: "'readonly', 'ro', or 'rw' mnt.Options",
  nodev: "'nodev' and 'dev' mnt.Options",
  dev: "'nodev' and 'dev' mnt.Options",
  noexec: "'noexec' and 'exec' mnt.Options",
  exec: "'noexec' and 'exec' mnt.Options",
  nosuid: "'nosuid' and 'suid' mnt.Options",
  suid: "'nosuid' and 'suid' mnt.Options",
  tmpcopyup: "'tmpcopyup' and 'notmpcopyup' mnt.Options",
  notmpcopyup: "'tmpcopyup' and 'notmpcopyup' mnt.Options",
  relabel: "'relabel' option",
  U: "'U' or 'chown' option",
  chown: "'U' or 'chown' option",
  src: '"source" option',
  source: '"source" option',
  dst: '"target" option',
  target: '"target" option',
  destination: '"target" option',
  subpath: '"subpath" option',
  "volume-subpath": '"subpath" option',
}

/** Keys that one type alone has. */
const onlyFor: Readonly<Record<string, Type>> = {
  "bind-nonrecursive": "bind",
  "bind-propagation": "bind",
  subpath: "volume",
  "volume-subpath": "volume",
  tmpcopyup: "tmpfs",
  notmpcopyup: "tmpfs",
  "tmpfs-mode": "tmpfs",
  "tmpfs-size": "tmpfs",
}

const nothing: Words = { source: "", destination: "", subPath: "", options: [] }

const readWords = (type: Type, words: ReadonlyArray<string>): Words | MountInvalid => {
  const seen = new Set<string>()
  let found = nothing
  for (const word of words) {
    const equals = word.indexOf("=")
    const key = equals < 0 ? word : word.slice(0, equals)
    const group = repeatable[key]
    if (group !== undefined && seen.has(group)) return invalid("repeated", word, group)
    if (group !== undefined) seen.add(group)
    if ((onlyFor[key] ?? type) !== type) return invalid("notForType", key, type)
    const read = readWord(type, { key, value: equals < 0 ? undefined : word.slice(equals + 1), word })
    if (read instanceof MountInvalid) return read
    found = { ...found, ...read, options: found.options.concat(read.options ?? []) }
  }
  return found
}

interface Word {
  readonly key: string
  /** Undefined when the key stands alone. */
  readonly value: string | undefined
  readonly word: string
}

const option = (text: string): Partial<Words> => ({ options: [text] })
const noEffect: Partial<Words> = {}

/** What one word of the record says. */
const readWord = (type: Type, { key, value, word }: Word): Partial<Words> | MountInvalid => {
  switch (key) {
    case "src":
    case "source":
      if (type === "tmpfs") return invalid("notForType", key, type)
      if (value === undefined) return invalid("argument", key)
      return value === "" ? invalid("hostEmpty", word) : { source: value }
    case "dst":
    case "target":
    case "destination": {
      if (value === undefined) return invalid("argument", key)
      const path = containerPath(value)
      return Result.isFailure(path) ? path.failure : { destination: path.success }
    }
    case "subpath":
    case "volume-subpath":
      return value === undefined ? invalid("argument", key) : { subPath: value }
    case "bind-nonrecursive":
      return option("bind")
    case "bind-propagation":
      if (value === undefined) return invalid("argument", key)
      return isPropagation(value) ? option(value) : invalid("mountOption", value)
    case "tmpfs-mode":
    case "tmpfs-size":
      return value === undefined ? invalid("argument", key) : option(`${key.slice("tmpfs-".length)}=${value}`)
    case "readonly":
    case "ro":
      return switched(value, { on: option("ro"), off: noEffect })
    case "rw":
      return switched(value, { on: option("rw"), off: option("ro") })
    case "U":
    case "chown":
      return switched(value, { on: option("U"), off: noEffect })
    case "relabel":
      if (value !== "private" && value !== "shared") return invalid("relabel", value ?? "")
      return option(value === "private" ? "Z" : "z")
    // often used where containers run in a virtual machine
    case "consistency":
      return noEffect
    case "volume-label":
      return invalid("volumeLabel", word)
    case "volume-opt":
      return option(word)
    case "idmap":
      return invalid("unavailable", word, "overlays and mapped owners of a volume")
    default:
      return plain.has(key) || isPropagation(key) ? option(word) : invalid("mountWord", key)
  }
}

const switched = (
  value: string | undefined,
  { off, on }: { readonly on: Partial<Words>; readonly off: Partial<Words> },
): Partial<Words> | MountInvalid => {
  if (value === undefined || /^true$/i.test(value)) return on
  return /^false$/i.test(value) ? off : invalid("truth", value)
}

const plain = new Set([
  "dev",
  "nodev",
  "exec",
  "noexec",
  "suid",
  "nosuid",
  "tmpcopyup",
  "notmpcopyup",
  "noswap",
  "z",
  "Z",
])

/** The values of one record of CSV; undefined when its quotes do not close. */
const splitRecord = (text: string): ReadonlyArray<string> | undefined => {
  const found: Array<string> = []
  for (let left = text; left !== "";) {
    const match = /^(?:"((?:[^"]|"")*)"|([^",]*))(?:,|$)/.exec(left)
    if (match === null) return undefined
    const [whole, quoted, bare = ""] = match
    found.push(quoted === undefined ? bare : quoted.replaceAll('""', '"'))
    left = left.slice(whole.length)
  }
  return found
}
