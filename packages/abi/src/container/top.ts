/** `top`: the processes of a container, by the descriptors that Podman knows (containers/psgo `psgo.go`). */
import { ContainerStateImproper, OptionInvalid } from "@cryopod/entities"
import { Layout, run, Tools } from "@cryopod/host"
import { type ContainerRecord, OciRuntime } from "@cryopod/runtime"
import * as Effect from "effect/Effect"
import * as fs from "node:fs"
import { join } from "node:path"

const defaultDescriptors = ["user", "pid", "ppid", "pcpu", "etime", "tty", "time", "args"]

/** What ps(1) has under another name; the others it has under their own. */
const psNames: Readonly<Record<string, string>> = { huser: "user", nice: "ni", group: "egroup", hgroup: "egroup" }

const headings: Readonly<Record<string, string>> = {
  args: "COMMAND",
  comm: "COMMAND",
  etime: "ELAPSED",
  nice: "NI",
  pcpu: "%CPU",
}

/** Rows with pids and users as the container has them; those of this host are `hpid` and `huser`. */
export const top = Effect.fn("Container.top")(function* (record: ContainerRecord, descriptors: ReadonlyArray<string>) {
  if (record.state.status !== "running") {
    return yield* new ContainerStateImproper({ id: record.id, state: record.state.status, operation: "top" })
  }
  const wanted = descriptors.length === 0 ? defaultDescriptors : descriptors.flatMap((word) => word.split(","))
  const unknown = wanted.find((word) => !/^[a-z%_]+$/.test(word))
  if (unknown !== undefined) return yield* invalid(unknown, "ps has no such column")
  const pids = yield* (yield* OciRuntime).processes(record.config.runtime, record.id)
  const inside = new Map(pids.map((pid) => [pid, namespacePid(pid)]))
  const names = userNames(join((yield* Layout).container(record.id).merged, "etc/passwd"))
  const columns = yield* Effect.forEach(
    wanted,
    (descriptor) => {
      switch (descriptor) {
        case "hpid":
          return Effect.succeed(new Map(pids.map((pid) => [pid, String(pid)])))
        case "pid":
          return Effect.succeed(inside)
        case "ppid":
          return Effect.map(
            psColumn("ppid", pids),
            mapped((parent) => inside.get(Number(parent)) ?? "0"),
          )
        case "user":
          return Effect.map(
            psColumn("uid", pids),
            mapped((uid) => names.get(uid) ?? uid),
          )
        default:
          return psColumn(psNames[descriptor] ?? descriptor, pids)
      }
    },
    { concurrency: "unbounded" },
  )
  return [
    wanted.map((descriptor) => headings[descriptor] ?? descriptor.toUpperCase()),
    // one that has ended meanwhile is in no later column
    ...pids
      .filter((pid) => columns.every((column) => column.has(pid)))
      .map((pid) => columns.map((column) => column.get(pid) ?? "")),
  ]
})

const invalid = (value: string, problem: string) => new OptionInvalid({ option: "format", value, problem })

type Column = ReadonlyMap<number, string>

const mapped =
  (change: (text: string) => string) =>
  (column: Column): Column =>
    new Map([...column].map(([pid, text]) => [pid, change(text)]))

/** One column by host pid: a column may hold blanks, so each is asked for by itself. */
const psColumn = Effect.fnUntraced(function* (name: string, pids: ReadonlyArray<number>) {
  const ps = yield* (yield* Tools).path("ps")
  const { exitCode, stderr, stdout } = yield* run(ps, ["-ww", "-o", `pid=,${name}=`, "-p", pids.join(",")])
  if (exitCode !== 0) return yield* invalid(name, stderr.split("\n")[0] ?? "")
  const rows = stdout.split("\n").flatMap((line) => {
    const [, pid, text = ""] = /^\s*(\d+)\s*(.*?)\s*$/.exec(line) ?? []
    return pid === undefined ? [] : [[Number(pid), text] as const]
  })
  return new Map(rows) as Column
})

/** The pid in the innermost namespace: proc(5), NSpid. */
const namespacePid = (pid: number): string => {
  try {
    return /^NSpid:.*\s(\d+)$/m.exec(fs.readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? String(pid)
  } catch {
    return String(pid)
  }
}

const userNames = (passwd: string): ReadonlyMap<string, string> => {
  try {
    const fields = fs
      .readFileSync(passwd, "utf8")
      .split("\n")
      .map((line) => line.split(":"))
    // the first line of a uid counts
    return new Map(fields.map(([name = "", , uid = ""]) => [uid, name] as const).toReversed())
  } catch {
    return new Map()
  }
}
