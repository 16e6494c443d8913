/**
 * A look into a checkpoint as text. What a stranger wrote into it is shown without effect on the terminal: names and
 * command lines may hold anything.
 */
import type {
  CheckFinding,
  CheckpointCheck,
  CheckpointPlan,
  CheckpointedProcess,
  CheckpointInspect,
  OpenSocket,
} from "@cryopod/entities"
import { bytesSize, durationText, tableText } from "./kit/index.ts"

/** What is shown beside the overview. */
export interface Sections {
  readonly metadata: boolean
  readonly processes: boolean
  readonly commands: boolean
  readonly environment: boolean
  readonly identities: boolean
  readonly files: boolean
  readonly sockets: boolean
  readonly memory: boolean
  readonly mounts: boolean
  readonly rootfs: boolean
  readonly stats: boolean
  /** One process with those below it; all when it is 0. */
  readonly pid: number
}

/** A line with lines below it. */
interface Node {
  readonly text: string
  readonly below?: ReadonlyArray<Node>
}

/** Control characters and what could turn writing around become visible. */
export const harmless = (text: string): string =>
  text.replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, (character) => {
    const code = character.codePointAt(0) ?? 0
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u{${code.toString(16)}}`
  })

const line = (name: string, value: string | number): Node => ({ text: `${name}: ${value}` })

export const treeText = (roots: ReadonlyArray<Node>): string =>
  roots.map(({ below = [], text }) => `${harmless(text)}\n${branches(below, "")}`).join("")

const branches = (nodes: ReadonlyArray<Node>, indent: string): string =>
  nodes
    .map(({ below = [], text }, at) => {
      const last = at === nodes.length - 1
      return `${indent}${last ? "└── " : "├── "}${harmless(text)}\n${branches(below, `${indent}${last ? "    " : "│   "}`)}`
    })
    .join("")

export const inspectTree = (seen: CheckpointInspect, sections: Sections): string => {
  const { container, criu, sizes } = seen
  return treeText([
    {
      text: container.name,
      below: [
        line("Image", container.image),
        line("ID", container.id),
        line("Runtime", container.runtime),
        line("Created", container.created),
        line("Engine", container.engine),
        line("Made", seen.origin),
        ...(container.ip === "" ? [] : [line("IP", container.ip)]),
        ...(container.mac === "" ? [] : [line("MAC", container.mac)]),
        ...(container.pod === "" ? [] : [line("Pod", container.pod)]),
        line("Architecture", criu.architecture),
        {
          text: `Size: ${bytesSize(sizes.total)}`,
          below: [
            line("Checkpoint", bytesSize(sizes.checkpoint)),
            line("Memory pages", bytesSize(sizes.pages)),
            line("Root filesystem changes", bytesSize(sizes.rootfsDiff)),
            line("Shared memory", bytesSize(sizes.sharedMemory)),
            line("Volumes", bytesSize(sizes.volumes)),
          ],
        },
        ...(sections.stats ? [statistics(seen)] : []),
        ...(sections.metadata ? [metadata(seen)] : []),
        ...(sections.processes ? [{ text: "Processes", below: processNodes(seen, sections) }] : []),
        ...(sections.mounts
          ? [
              {
                text: "Mounts",
                below: seen.mounts.map(({ destination, options, source, type }) => ({
                  text: destination,
                  below: [line("Type", type), line("Source", source), line("Options", options.join(","))],
                })),
              },
              {
                text: "Volumes",
                below: seen.volumes.map(({ destination, name, sizeBytes }) => ({
                  text: `${name} on ${destination} (${bytesSize(sizeBytes)})`,
                })),
              },
            ]
          : []),
        ...(sections.rootfs
          ? [
              {
                text: "Root filesystem",
                below: [
                  ...seen.rootfs.changed.map((path) => ({ text: path })),
                  ...seen.rootfs.deleted.map((path) => ({ text: `${path} (deleted)` })),
                ],
              },
            ]
          : []),
      ],
    },
  ])
}

const statistics = ({ statistics: numbers = {} }: CheckpointInspect): Node => ({
  text: "CRIU dump statistics",
  below: Object.entries(numbers).map(([name, value]) =>
    line(name.replaceAll("_", " "), name.endsWith("_time") ? durationText(value / 1000) : value),
  ),
})

const metadata = ({ annotations, labels }: CheckpointInspect): Node => ({
  text: "Metadata",
  below: [
    { text: "Annotations", below: pairs(annotations) },
    { text: "Labels", below: pairs(labels) },
  ],
})

const pairs = (values: Readonly<Record<string, string>>): ReadonlyArray<Node> =>
  Object.entries(values)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => line(key, value))

const processNodes = (seen: CheckpointInspect, sections: Sections): ReadonlyArray<Node> => {
  const below = new Map<number, Array<CheckpointedProcess>>()
  for (const process of seen.processes) {
    const parent = seen.processes.some(({ pid }) => pid === process.parent) ? process.parent : 0
    below.set(parent, [...(below.get(parent) ?? []), process])
  }
  const node = (process: CheckpointedProcess): Node => ({
    text: `[${process.pid}]  ${title(process, sections)}`,
    below: [...details(process, seen.sockets, sections), ...(below.get(process.pid) ?? []).map(node)],
  })
  const roots = sections.pid === 0 ? (below.get(0) ?? []) : seen.processes.filter(({ pid }) => pid === sections.pid)
  return roots.map(node)
}

const title = ({ arguments: words, name, state }: CheckpointedProcess, { commands }: Sections): string =>
  `${commands && words.length > 0 ? words.join(" ") : name}${state === "alive" ? "" : ` (${state})`}`

const details = (
  process: CheckpointedProcess,
  sockets: ReadonlyArray<OpenSocket>,
  sections: Sections,
): ReadonlyArray<Node> => {
  const own = sockets.filter(({ pid }) => pid === process.pid)
  const group = (text: string, nodes: ReadonlyArray<Node>): ReadonlyArray<Node> =>
    nodes.length === 0 ? [] : [{ text, below: nodes }]
  return [
    ...(sections.identities ? [identity(process)] : []),
    ...(sections.memory
      ? [
          {
            text: `Memory: ${bytesSize(process.memoryBytes)}, shared ${bytesSize(process.sharedBytes)}, mapped ${bytesSize(process.mappedBytes)}`,
            below: process.mappings.map(({ end, kind, pagesBytes, path, permissions, start }) => ({
              text: `${start}-${end} ${permissions} ${bytesSize(pagesBytes)} ${path === "" ? `[${kind}]` : path}`,
            })),
          },
        ]
      : []),
    ...(sections.environment
      ? group(
          "Environment",
          (process.environment ?? []).map((text) => ({ text })),
        )
      : []),
    ...(sections.files
      ? group(
          "Open files",
          process.files.map(({ fd, path, type }) => ({ text: `[${type === "" ? fd : `${type} ${fd}`}]  ${path}` })),
        )
      : []),
    ...(sections.sockets
      ? group(
          "Open sockets",
          own.map((socket) => ({ text: socketLine(socket) })),
        )
      : []),
  ]
}

const identity = (process: CheckpointedProcess): Node => {
  const { bounding, effective } = process.capabilities
  return {
    text: `Users ${process.users.join(",")}, groups ${process.groups.join(",")}`,
    below: [
      line("Effective capabilities", effective.length === 0 ? "none" : effective.join(" ")),
      line("Bounding capabilities", bounding.length === 0 ? "none" : bounding.join(" ")),
      line("No new privileges", process.noNewPrivileges ? "yes" : "no"),
      line("Seccomp", process.seccomp ? "yes" : "no"),
    ],
  }
}

const socketEnd = (address: string, port: number) => {
  if (port === 0) return address
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`
}

const socketLine = ({ fd, local, localPort, protocol, remote, remotePort, state, type }: OpenSocket): string =>
  [
    `[${protocol} ${fd}]`,
    type,
    state,
    socketEnd(local, localPort),
    remote === "" || (remotePort === 0 && protocol !== "UNIX") ? "" : `→ ${socketEnd(remote, remotePort)}`,
  ]
    .filter((word) => word !== "")
    .join(" ")

/** Findings, what to do about them, and the verdict. */
export const checkText = ({ container, findings, thaws }: CheckpointCheck): string =>
  verdictText(container, findings, thaws ? "would thaw here" : "would not thaw here")

/** The same of a checkpoint that is not made. */
export const planText = ({ container, findings, freezes }: CheckpointPlan): string =>
  verdictText(container, findings, freezes ? "would be frozen" : "would not be frozen")

const verdictText = (container: string, findings: ReadonlyArray<CheckFinding>, verdict: string): string => {
  const rows = tableText([
    ["ASPECT", "STATUS", "FOUND"],
    ...findings.map(({ aspect, found, problem, status }) => [aspect, status, harmless(problem || found)]),
  ])
  const remedies = findings
    .filter(({ remedy }) => remedy !== "")
    .map(({ aspect, remedy }) => `${aspect}: ${harmless(remedy)}\n`)
  return `${rows}${remedies.length === 0 ? "" : `\n${remedies.join("")}`}\n${harmless(container)} ${verdict}.\n`
}

/** One line for each process. */
export const inspectTable = (seen: CheckpointInspect, { pid: only }: Sections): string =>
  tableText([
    ["PID", "PPID", "STATE", "USER", "THREADS", "MEMORY", "SHARED", "FILES", "SOCKETS", "COMMAND"],
    ...seen.processes
      .filter(({ pid }) => only === 0 || pid === only)
      .map((process) => [
        String(process.pid),
        String(process.parent),
        process.state,
        String(process.users[0] ?? ""),
        String(process.threads.length),
        bytesSize(process.memoryBytes),
        bytesSize(process.sharedBytes),
        String(process.files.filter(({ type }) => type !== "").length),
        String(seen.sockets.filter(({ pid }) => pid === process.pid).length),
        harmless(process.arguments.join(" ") || process.name),
      ]),
  ])
