/**
 * What takes long says on a terminal how far it has come, and in a pipe nothing; and what is interrupted is undone, and says so.
 * Each operation is held up by whoever is at its other end, so that it takes long on any machine.
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process"
import * as fs from "node:fs"
import * as net from "node:net"
import { join } from "node:path"
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest"
import { type Registry, startRegistry } from "../../packages/images/test/registries.ts"
import { eventually, Host } from "./support/Host.ts"
import { counter, importBase } from "./support/workloads.ts"

let host: Host
let registry: Registry
let gate: Gate
let prefix = ""
let archive = ""
let image = ""

/** A way to the registry that lets so many bytes through in each direction and then waits for its gate to be opened. */
interface Gate {
  readonly address: string
  readonly close: (bytes: number) => void
  readonly open: () => void
  readonly stop: () => void
}

const makeGate = async (target: string): Promise<Gate> => {
  const [, port = ""] = target.split(":")
  const held = new Set<net.Socket>()
  const all = new Set<net.Socket>()
  let left = Number.POSITIVE_INFINITY
  const passOn = (from: net.Socket, to: net.Socket) => {
    all.add(from)
    from.on("error", () => to.destroy())
    from.on("end", () => to.end())
    from.on("data", (bytes: Buffer) => {
      left -= bytes.length
      to.write(bytes)
      if (left > 0) return
      from.pause()
      held.add(from)
    })
  }
  const server = net.createServer((near) => {
    const far = net.connect(Number(port), "127.0.0.1")
    passOn(near, far)
    passOn(far, near)
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const open = () => {
    left = Number.POSITIVE_INFINITY
    for (const socket of held) socket.resume()
    held.clear()
  }
  return {
    address: `127.0.0.1:${(server.address() as net.AddressInfo).port}`,
    close: (bytes) => void (left = bytes),
    open,
    stop: () => {
      for (const socket of all) socket.destroy()
      server.close()
    },
  }
}

beforeAll(async () => {
  registry = await startRegistry()
  gate = await makeGate(registry.address)
  host = await Host.make({ network: "machine" })
  await importBase(host)
  // CRIU, which stays for as long as there is a file
  prefix = join(host.directory, "prefix")
  fs.mkdirSync(join(prefix, "bin"), { recursive: true })
  fs.writeFileSync(
    join(prefix, "bin/criu"),
    `#!/bin/sh
[ "$1" = swrk ] && [ -e ${prefix}/stay ] || exec /opt/cryopod/bin/criu "$@"
/opt/cryopod/bin/criu "$@"; status=$?
dumped() { [ -e "$(echo ${host.path("containers")}/*/userdata/checkpoint/pages-1.img)" ]; }
while dumped && [ -e ${prefix}/stay ]; do sleep 0.1; done
exit $status\n`,
    { mode: 0o755 },
  )
  await host.ok("run", "-d", "--network", "none", "--name", "web", "base", ...counter)
  await host.ok("exec", "web", "dd", "if=/dev/urandom", "of=/ballast", "bs=1M", "count=12")
  await host.beyond("web", 1)
  archive = join(host.directory, "web.tar")
  image = `${gate.address}/team/web:1`
  await host.ok("container", "checkpoint", "--leave-running", "-e", archive, "-c", "none", "web")
  await host.ok("container", "checkpoint", "--leave-running", "--create-image", image, "web")
})
afterAll(async () => {
  gate.stop()
  await host.dispose()
  await registry.stop()
})

interface Started {
  readonly child: ChildProcess
  readonly said: () => string
  readonly ended: Promise<number | null>
}

const children: Array<ChildProcess> = []
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL")
  gate.open()
  fs.rmSync(join(prefix, "stay"), { force: true })
})

const begun = (words: readonly [string, ...Array<string>]): Started => {
  const [file, ...args] = words
  const child = spawn(file, args, { stdio: ["pipe", "pipe", "pipe"] })
  let said = ""
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => (said += chunk.toString()))
  child.stdin.on("error", () => undefined)
  children.push(child)
  return { child, said: () => said, ended: new Promise((resolve) => child.once("close", resolve)) }
}

const quoted = (words: ReadonlyArray<string>) => words.map((word) => `'${word}'`).join(" ")
/** With a CRIU that can be held up. */
const slow = (...words: ReadonlyArray<string>) =>
  ["env", `CRYOPOD_PREFIX=${prefix}`, ...host.command(words)] as [string, ...Array<string>]
/** On a terminal. */
const onTerminal = (words: readonly [string, ...Array<string>]) => begun(["script", "-qec", quoted(words), "/dev/null"])

const shows = (started: Started, what: RegExp) =>
  eventually(
    async () => (what.test(started.said()) ? true : undefined),
    () => `${what} in ${JSON.stringify(started.said())}`,
    20,
  )

const fifo = () => {
  const path = join(fs.mkdtempSync(join(host.directory, "fifo.")), "archive.tar")
  execFileSync("mkfifo", [path])
  return path
}

/** What is there is as it was. */
const expectUndone = async (state: string) => {
  expect(await host.ok("ps", "-a", "--format", "{{.Names}} {{.State}}")).toBe(state)
  expect(fs.readdirSync(host.path("tmp"))).toEqual([])
}
const running = "web running"
const interrupted = "Interrupted: what was not complete has been undone"

interface Held {
  readonly name: string
  /** Begin it, held up after its beginning. */
  readonly begin: (start: (words: readonly [string, ...Array<string>]) => Started) => Started
  readonly shown: RegExp
  /** Let it go on to its end. */
  readonly release: () => void
  /** What there is after it was undone. */
  readonly undone: () => Promise<void>
  /** Put things as they were after it has gone to its end. */
  readonly restore: () => Promise<void>
}

let path = ""
let end: () => void = () => undefined

const operations: ReadonlyArray<Held> = [
  {
    name: "the dump of a checkpoint",
    begin: (start) => {
      fs.writeFileSync(join(prefix, "stay"), "")
      return start(slow("container", "checkpoint", "web"))
    },
    shown: /Checkpointing… \d+ s: memory [\d.]+\wiB of [\d.]+\wiB, [\d.]+\w*B\/s, \d+ s left/,
    release: () => fs.rmSync(join(prefix, "stay")),
    undone: async () => {
      await host.beyond("web", await host.last("web"))
      await expectUndone(running)
    },
    restore: async () => void (await host.ok("container", "restore", "web")),
  },
  {
    name: "an export",
    begin: (start) => {
      path = fifo()
      const reader = spawn("sh", ["-c", `exec <${path}; head -c 65536 >/dev/null; read go <${path}.go; cat >/dev/null`])
      execFileSync("mkfifo", [`${path}.go`])
      end = () => {
        const writer = fs.openSync(`${path}.go`, fs.constants.O_RDWR)
        fs.writeSync(writer, "go\n")
        reader.once("exit", () => fs.closeSync(writer))
      }
      return start(host.command(["container", "checkpoint", "-e", path, "-c", "none", "web"]))
    },
    shown: /Checkpointing… \d+ s: writing [\d.]+\wiB of [\d.]+\wiB, [\d.]+\w*B\/s, \d+ s left/,
    release: () => end(),
    undone: async () => {
      end()
      await host.beyond("web", await host.last("web"))
      await expectUndone(running)
    },
    restore: async () => void (await host.ok("container", "restore", "web")),
  },
  {
    name: "an import",
    begin: (start) => {
      path = fifo()
      const started = start(host.command(["container", "restore", "--name", "other", "-i", path]))
      const bytes = fs.readFileSync(archive)
      const feeder = fs.createWriteStream(path)
      feeder.on("error", () => undefined)
      feeder.write(bytes.subarray(0, 6 << 20))
      end = () => feeder.end(bytes.subarray(6 << 20))
      return started
    },
    // of what comes through a pipe nobody knows how much there will be
    shown: /Restoring… \d+ s: reading [\d.]+\wiB, [\d.]+\w*B\/s/,
    release: () => end(),
    undone: async () => {
      end()
      await expectUndone(running)
    },
    restore: async () => void (await host.ok("rm", "-ft0", "other")),
  },
  {
    name: "a push",
    begin: (start) => {
      gate.close(2 << 20)
      return start(host.command(["push", "--tls-verify=false", image]))
    },
    shown: /Pushing \S+… \d+ s: sending [\d.]+\wiB of [\d.]+\wiB, [\d.]+\w*B\/s, \d+ s left/,
    release: () => gate.open(),
    undone: async () => {
      gate.open()
      await expectUndone(running)
    },
    restore: async () => void (await host.ok("rmi", image)),
  },
  {
    name: "a pull",
    begin: (start) => {
      gate.close(2 << 20)
      return start(host.command(["pull", "--tls-verify=false", image]))
    },
    shown: /Pulling \S+… \d+ s: fetching [\d.]+\wiB of [\d.]+\wiB, [\d.]+\w*B\/s, \d+ s left/,
    release: () => gate.open(),
    undone: async () => {
      gate.open()
      expect((await host.run("image", "exists", image)).status).toBe(1)
      await expectUndone(running)
    },
    restore: () => Promise.resolve(),
  },
]

describe.each(operations)("$name", ({ begin, release, restore, shown, undone }) => {
  it("is undone by Ctrl-C, and says so", async () => {
    const started = begin(onTerminal)
    await shows(started, shown)
    started.child.stdin?.write("\u0003")
    // CRIU is not stopped halfway
    fs.rmSync(join(prefix, "stay"), { force: true })
    expect([await started.ended, started.said()]).toEqual([130, expect.stringContaining(interrupted)])
    await undone()
  })

  it("tells a terminal how far it has come, how fast, and how long it will take, and goes on to its end", async () => {
    const started = begin(onTerminal)
    await shows(started, shown)
    release()
    expect([await started.ended, started.said()]).toEqual([0, expect.not.stringContaining(interrupted)])
    // the line is gone
    expect(started.said().split("\r\u001B[K").at(-1)).not.toMatch(/[⠀-⣿]/)
    await restore()
  })
})

it("in a pipe nothing is said of it", async () => {
  const [, exporting] = operations
  const started = exporting?.begin(begun)
  if (started === undefined) throw new Error("there is nothing to begin")
  // twice as long as a terminal waits for its first line
  await new Promise((resolve) => setTimeout(resolve, 2000))
  exporting?.release()
  expect([await started.ended, started.said()]).toEqual([0, "web\n"])
})
