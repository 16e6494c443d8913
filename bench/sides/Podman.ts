/**
 * Podman in the peer's root (`scripts/peer`): one entry for the whole run, since everything in it ends with it. Commands go in by
 * standard input, and the shell in there takes the times, so that entering costs nothing.
 */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { createInterface, type Interface } from "node:readline"
import type { Ground } from "../Ground.ts"
import { eventually, run, type Sample } from "../run.ts"
import { base, type Cryopod } from "./Cryopod.ts"

const peer = join(import.meta.dirname, "../../scripts/peer")

export class Podman {
  private readonly shell: ChildProcessWithoutNullStreams
  private readonly lines: AsyncIterator<string>
  private readonly image = `${base}-${process.pid}`

  private constructor(shell: ChildProcessWithoutNullStreams, lines: Interface) {
    this.shell = shell
    this.lines = lines[Symbol.asyncIterator]()
  }

  /** Undefined, with the reason on standard error, where Podman cannot be had. */
  static async make(cryopod: Cryopod, ground: Ground): Promise<Podman | undefined> {
    const built = await run([peer, "build"])
    if (built.status !== 0) {
      console.error(`bench: no Podman to compare with: ${built.stderr.trim() || built.stdout.trim()}`)
      return undefined
    }
    const shell = spawn(peer, ["enter", "bash"], {
      stdio: "pipe",
      env: { ...process.env, PEER_SHARE: ground.directory, PEER_LAYOUT: layout() },
    })
    const side = new Podman(shell, createInterface({ input: shell.stdout }))
    ground.later(() => side.end())
    await side.timed(`podman import /share/${cryopod.baseArchive.slice(ground.directory.length + 1)} ${side.image}`)
    return side
  }

  /** Run a shell command that must succeed. */
  async timed(command: string): Promise<Sample & { readonly output: string }> {
    this.shell.stdin.write(`s=$(date +%s%N); { ${command}\n} >/tmp/bench-out 2>&1 </dev/null; r=$?; e=$(date +%s%N)
sed 's/^/> /' /tmp/bench-out; echo "@@ $r $((e - s))"\n`)
    let output = ""
    for (;;) {
      const { done, value } = await this.lines.next()
      if (done === true) throw new Error(`the peer ended in: ${command}\n${output}`)
      if (!value.startsWith("@@ ")) {
        output += `${value.slice(2)}\n`
        continue
      }
      const [, status = "", nanoseconds = ""] = value.split(" ")
      if (status !== "0") throw new Error(`${command}: status ${status}\n${output}`)
      return { seconds: Number(nanoseconds) / 1e9, output }
    }
  }

  async start(name: string, command: ReadonlyArray<string>): Promise<void> {
    const words = command.map((word) => `'${word.replaceAll("'", String.raw`'\''`)}'`).join(" ")
    await this.timed(`podman run -d --network none --name ${name} ${this.image} ${words}`)
    const ready = async () => (await this.timed(`podman logs ${name}`)).output.includes("ready")
    await eventually(`${name} under Podman`, ready, 120)
  }

  private async end(): Promise<void> {
    await this.timed(
      `podman rm -f -t 0 $(podman ps -aq --filter ancestor=${this.image}) 2>/dev/null; podman rmi -f ${this.image}`,
    ).catch(() => undefined)
    this.shell.stdin.end()
    await new Promise((resolve) => this.shell.once("close", resolve))
  }
}

/**
 * Where the kernel has hierarchies of v1, CRIU dumps those as well, and under Podman puts them back only where they are
 * mounted.
 */
const layout = () => (readFileSync("/proc/self/cgroup", "utf8").trim().split("\n").length > 1 ? "v1" : "v2")
