/** Looks at a container from outside: changed paths, processes. */
import { scanRootfs } from "@cryopod/checkpoint"
import { ContainerStateImproper, OptionInvalid, type PathChange } from "@cryopod/entities"
import { Layout, run, Tools } from "@cryopod/host"
import { RootFilesystems } from "@cryopod/images"
import { type ContainerRecord, OciRuntime } from "@cryopod/runtime"
import * as Effect from "effect/Effect"
import * as fs from "node:fs"

export const diff = Effect.fn("Container.diff")(function* (record: ContainerRecord) {
  const { merged, upper } = (yield* Layout).container(record.id)
  if (!fs.existsSync(upper)) return [] as ReadonlyArray<PathChange>
  const lower = yield* (yield* RootFilesystems).unpacked(record.config.imageId)
  return (yield* scanRootfs({ upper, lower, merged })).changes
})

/** Podman's default columns, as ps(1) spells them. */
const defaultColumns = ["user", "pid", "ppid", "pcpu", "etime", "tty", "time", "args"]

const headings: Readonly<Record<string, string>> = { pcpu: "%CPU", etime: "ELAPSED", args: "COMMAND" }

/** Rows of ps(1) for the container's processes, with the pids and users of this host. */
export const top = Effect.fn("Container.top")(function* (record: ContainerRecord, descriptors: ReadonlyArray<string>) {
  if (record.state.status !== "running") {
    return yield* new ContainerStateImproper({ id: record.id, state: record.state.status, operation: "top" })
  }
  const columns = descriptors.length === 0 ? defaultColumns : descriptors.flatMap((word) => word.split(","))
  const unknown = columns.find((column) => !/^[a-z%_]+$/.test(column))
  if (unknown !== undefined)
    return yield* new OptionInvalid({ option: "format", value: unknown, problem: "ps has no such column" })
  const pids = yield* (yield* OciRuntime).processes(record.config.runtime, record.id)
  const ps = yield* (yield* Tools).path("ps")
  const { exitCode, stderr, stdout } = yield* run(ps, ["-o", columns.join(","), "-p", pids.join(",")])
  if (exitCode !== 0) {
    return yield* new OptionInvalid({
      option: "format",
      value: columns.join(","),
      problem: stderr.split("\n")[0] ?? "",
    })
  }
  const [, ...rows] = stdout.split("\n").filter((line) => line !== "")
  return [
    columns.map((column) => headings[column] ?? column.toUpperCase()),
    ...rows.map((line) => cells(line, columns.length)),
  ]
})

/** The last column may hold blanks. */
const cells = (line: string, count: number): ReadonlyArray<string> => {
  const words = line.trim().split(/\s+/)
  return [...words.slice(0, count - 1), words.slice(count - 1).join(" ")]
}
