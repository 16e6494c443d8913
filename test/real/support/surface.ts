/** One script of commands for Podman and for cryopod, and what each of them made of it, in words that can be compared. */
import { once } from "node:events"
import * as fs from "node:fs"
import { join } from "node:path"
import type { Difference, Stream } from "../surface/differences.ts"
import { builtProgram, eventually, type Host, programWords, project, runCommand } from "./Host.ts"

const surface = join(import.meta.dirname, "../surface")

export interface Step {
  /** Of the script, counted from one. */
  readonly line: number
  readonly text: string
}

export const steps: ReadonlyArray<Step> = fs
  .readFileSync(join(surface, "steps.txt"), "utf8")
  .split("\n")
  .map((text, at) => ({ line: at + 1, text }))
  .filter(({ text }) => text !== "" && !text.startsWith("#"))

export type Answer = Readonly<Record<Stream, string>>

/** Answers by line. */
export type Answers = ReadonlyMap<number, Answer>

/** A directory with what the script needs: itself, and a program under the name `podman`. */
const prepare = (directory: string, archive: string, program: string) => {
  fs.mkdirSync(join(directory, "bin"), { recursive: true })
  for (const file of ["run.sh", "steps.txt"]) fs.copyFileSync(join(surface, file), join(directory, file))
  fs.copyFileSync(archive, join(directory, "base-in.tar"))
  fs.writeFileSync(join(directory, "env"), "FROMFILE=1\n")
  // whatever hangs is ended, so that the others are still heard
  fs.writeFileSync(join(directory, "bin/podman"), `#!/bin/sh\nexec timeout 60 ${program} "$@"\n`, { mode: 0o755 })
}

const scriptAt = (place: string) =>
  `cd ${place} && PATH=${place}/bin:$PATH W=${place} BASE=${place}/base-in.tar bash run.sh steps.txt ${place}/answers`

/** Podman 5.4.2 in its peer, with a network and a store of its own. */
export const askPodman = async (directory: string, archive: string): Promise<Answers> => {
  prepare(directory, archive, "/usr/bin/podman --root /share/root --runroot /run/surface --runtime crun")
  const ran = await runCommand([
    "env",
    `PEER_SHARE=${directory}`,
    "PEER_LAYOUT=v1",
    join(project, "scripts/peer"),
    "enter",
    "unshare",
    "--net",
    "bash",
    "-c",
    `ip link set lo up; ${scriptAt("/share")}; podman rm -af -t 0 >/dev/null`,
  ])
  if (ran.status !== 0) throw new Error(`Podman's script ended with ${ran.status}: ${ran.stderr}`)
  return answersIn(directory, "/share", "/run/surface")
}

/** The built cryopod on a test host. */
export const askCryopod = (host: Host, archive: string): Promise<Answers> =>
  askOn(host, archive, [...onHost(host), "--runtime", host.runtime])

/** The same through a service of that host. */
export const askService = async (host: Host, archive: string): Promise<Answers> => {
  const url = `unix://${join(host.directory, "surface.sock")}`
  const words = [...onHost(host), "--runtime", host.runtime, "system", "service", "--time", "0", url]
  const service = host.spawn(`exec ${words.join(" ")}`)
  const said: Array<string> = []
  service.stderr?.on("data", (chunk: Buffer) => said.push(chunk.toString()))
  const ended = once(service, "exit")
  try {
    await eventually(
      async () => (fs.existsSync(url.slice("unix://".length)) ? true : undefined),
      () => `a service at ${url}: ${said.join("")}`,
      60,
    )
    return await askOn(host, archive, [...programWords(builtProgram), "--url", url])
  } finally {
    service.kill("SIGTERM")
    await ended
  }
}

const onHost = ({ root, runroot }: Host) => [...programWords(builtProgram), "--root", root, "--runroot", runroot]

const askOn = async (host: Host, archive: string, program: ReadonlyArray<string>): Promise<Answers> => {
  const directory = join(host.directory, "surface")
  prepare(directory, archive, program.join(" "))
  const ran = await host.shell(scriptAt(directory))
  if (ran.status !== 0) throw new Error(`cryopod's script ended with ${ran.status}: ${ran.stderr}`)
  return answersIn(directory, host.directory, host.runroot, directory)
}

const answersIn = (directory: string, place: string, runroot: string, scratch = place): Answers => {
  const plain = normaliser([
    [scratch, "<W>"],
    [runroot, "<RUNROOT>"],
    [place, "<W>"],
  ])
  const read = (line: number, kind: string) => fs.readFileSync(join(directory, "answers", `${line}.${kind}`), "utf8")
  return new Map(
    steps.map(({ line }) => [
      line,
      {
        status: read(line, "status").trim(),
        stdout: plain(line, read(line, "out")),
        stderr: plain(line, read(line, "err")),
      },
    ]),
  )
}

/** Names for ids, by the step that first told them; none of what differs from run to run. */
const normaliser = (paths: ReadonlyArray<readonly [string, string]>) => {
  const known = new Map<string, string>()
  return (line: number, text: string): string => {
    let fresh = 0
    const name = (id: string) => {
      const same = [...known].find(([other]) => other.startsWith(id) || id.startsWith(other))
      const named = same?.[1] ?? `${line}.${++fresh}`
      if (same === undefined) known.set(id, named)
      return `<${id.length === 64 ? "ID" : "SHORT"} ${named}>`
    }
    return (
      paths
        .reduce((result, [path, word]) => result.replaceAll(path, word), text)
        .replaceAll(/\bcryopod\b|\bPodman\b/g, "podman")
        // libpod's name for the directory of containers
        .replaceAll("overlay-containers/", "containers/")
        .replaceAll(/\b[0-9a-f]{64}\b/g, name)
        .replaceAll(/(?<![0-9A-Za-z])[0-9a-f]{12}(?![0-9A-Za-z])/g, name)
        .replaceAll(/\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)? ?(Z|[+-]\d\d:?\d\d)( UTC)?/g, "<TIME>")
        .replaceAll(
          /(Less than a second|\d+ (seconds?|minutes?)|About a minute)( ago)?/g,
          (_, _time, _unit, ago = "") => `<TIME${ago}>`,
        )
        // CRIU's numbers of processes
        .replaceAll(/: \d+ exited, status=/g, ": <PID> exited, status=")
        .replaceAll(/ {2,}/g, "  ")
        .replaceAll(/ +\n/g, "\n")
    )
  }
}

interface Comparison {
  readonly is: unknown
  readonly wanted: unknown
}

/** A step's answer beside the wanted one, but for what it is meant to differ in: the streams that differ, and the texts of the others. */
export const compared = (answer: Answer | undefined, wanted: Answer | undefined, meant?: Difference): Comparison => {
  if (wanted === undefined || answer === undefined) throw new Error("the step was not run")
  const differing = (["stdout", "stderr", "status"] as const).filter((stream) => wanted[stream] !== answer[stream])
  const streams = meant?.streams ?? []
  const others = differing.filter((stream) => !streams.includes(stream))
  const texts = (from: Answer) => Object.fromEntries(others.map((stream) => [stream, from[stream]]))
  return {
    is: { texts: texts(answer), differing, status: answer.status },
    // a difference that is no more is no longer listed
    wanted: { texts: texts(wanted), differing: streams, status: meant?.status ?? wanted.status },
  }
}
