/** TCP connections of containers on bridges, with a client outside that goes on talking while the container is frozen. */
import * as fs from "node:fs"
import { join } from "node:path"
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest"
import { eventually, Host } from "./support/Host.ts"
import { importBase } from "./support/workloads.ts"

/** Says again what is said to it, to each connection by itself. */
const echoing = ["sh", "-c", "echo ready; exec nc -ll -p 7 -e cat"]

/** Says 0, 1, 2, … and writes down what comes back, until told to end or until the connection does. */
const client = `exec 3<>/dev/tcp/$1/$2 || exit 1
i=0
while [ ! -e "$3.end" ]; do
  echo $i >&3 && read -r -t $4 line <&3 || { echo broken >>"$3"; exit; }
  echo "$line" >>"$3"
  i=$((i+1)); sleep 0.02
done`

/** crun does not run in a hybrid layout with controllers in v2. */
const hosts = [
  { runtime: "runc", cgroups: "host" },
  { runtime: "crun", cgroups: "v1" },
] as const

/** A command on another machine, at the other end of a wire: 10.77.0.2, with this host at 10.77.0.1. */
const elsewhere = (words: string) => `
  unshare --net sh -c 'until ip link show in >/dev/null 2>&1; do sleep 0.05; done
    ip addr add 10.77.0.2/24 dev in; ip link set in up; exec ${words.replaceAll("'", "")}' &
  while [ "$(readlink /proc/$!/ns/net)" = "$(readlink /proc/self/ns/net)" ]; do sleep 0.05; done
  ip link add out type veth peer name in netns $!
  ip addr add 10.77.0.1/24 dev out; ip link set out up
  wait $!`

interface Talk {
  readonly from?: "host" | "elsewhere"
  /** How long an answer is waited for. */
  readonly patienceSeconds?: number
}

describe.each(hosts)("with $runtime", ({ cgroups, runtime }) => {
  let host: Host
  beforeAll(async () => {
    host = await Host.make({ runtime, cgroups })
    await importBase(host)
    fs.writeFileSync(join(host.directory, "client"), client)
  })
  afterEach(() => host.ok("rm", "-a", "-f", "-t", "0"))
  afterAll(() => host.dispose())

  let clients = 0
  /** A client that talks to an address of this host's network. */
  const talkTo = (address: string, port: number, { from = "host", patienceSeconds = 30 }: Talk = {}) => {
    const said = join(host.directory, `said-${++clients}`)
    fs.writeFileSync(said, "")
    const words = `bash '${join(host.directory, "client")}' ${address} ${port} '${said}' ${patienceSeconds}`
    const ended = host.shell(from === "host" ? `exec ${words}` : elsewhere(words))
    const lines = () => fs.readFileSync(said, "utf8").trim().split("\n")
    const heard = () => lines().filter((word) => word !== "").length
    return {
      beyond: (count: number) =>
        eventually(
          () => Promise.resolve(heard() > count ? heard() : undefined),
          `the client to hear more than ${count}`,
          60,
        ),
      end: async () => {
        fs.writeFileSync(`${said}.end`, "")
        await ended
        return lines()
      },
    }
  }

  const serve = async (...options: ReadonlyArray<string>) => {
    await host.ok("run", "-d", "--name", "echo", ...options, "base", ...echoing)
    await eventually(async () => (await host.ok("logs", "echo")).includes("ready") || undefined, "the server")
    return host.inspect("echo", "{{.NetworkSettings.IPAddress}}")
  }

  it("a client goes on with its connection through a freeze in place, and loses no word", async () => {
    const ip = await serve()
    const talk = talkTo(ip, 7)
    const before = await talk.beyond(5)
    await host.ok("container", "checkpoint", "--tcp-established", "echo")
    await host.ok("container", "restore", "--tcp-established", "echo")
    await talk.beyond(before + 20)
    const words = await talk.end()
    expect(words).toEqual(words.map((_, at) => String(at)))
  })

  it("a client of a published port goes on when the container comes back from an archive", async () => {
    await serve("-p", "7007:7")
    const talk = talkTo("10.77.0.1", 7007, { from: "elsewhere" })
    const before = await talk.beyond(5)
    const archive = join(host.directory, "echo.tar")
    await host.ok("container", "checkpoint", "--tcp-established", "--export", archive, "echo")
    await host.ok("rm", "echo")
    await host.ok("container", "restore", "--tcp-established", "--import", archive)
    await talk.beyond(before + 20)
    const words = await talk.end()
    expect(words).toEqual(words.map((_, at) => String(at)))
  })

  it("without the option nothing is frozen, and nothing is restored", async () => {
    const ip = await serve()
    const talk = talkTo(ip, 7)
    const before = await talk.beyond(5)
    const refused = await host.run("container", "checkpoint", "echo")
    expect(refused.status).toBe(125)
    expect(refused.stderr).toContain("failed: exit status 1")
    expect(refused.stderr).toContain("--tcp-established")
    await talk.beyond(before + 5)
    await host.ok("container", "checkpoint", "--tcp-established", "echo")
    const unrestored = await host.run("container", "restore", "echo")
    expect(unrestored.status).toBe(125)
    expect(unrestored.stderr).toContain(
      runtime === "crun" ? "crun: CRIU restoring failed -52" : "runc: criu failed: type NOTIFY errno 0",
    )
    await host.ok("container", "restore", "--tcp-established", "echo")
    await talk.beyond(before + 20)
    const words = await talk.end()
    expect(words).toEqual(words.map((_, at) => String(at)))
  })

  it("a container without a network comes back with its loopback, and with what is connected over it", async () => {
    const script =
      "nc -ll -p 7 -e cat & until nc 127.0.0.1 7 </dev/null; do sleep 0.1; done; echo ready; sleep 1000 | nc 127.0.0.1 7"
    await host.ok("run", "-d", "--name", "alone", "--network", "none", "base", "sh", "-c", script)
    await eventually(async () => (await host.ok("logs", "alone")).includes("ready") || undefined, "the server")
    const connections = () => host.ok("exec", "alone", "sh", "-c", "grep -c ' 0100007F:0007 01 ' /proc/net/tcp")
    await eventually(async () => ((await connections()) === "1" ? true : undefined), "the connection")
    await host.ok("container", "checkpoint", "--tcp-established", "alone")
    await host.ok("container", "restore", "--tcp-established", "alone")
    expect(await connections()).toBe("1")
    expect(await host.ok("exec", "alone", "ip", "addr", "show", "lo")).toMatch(/LOOPBACK,UP[^]*127\.0\.0\.1/)
  })

  it("a pod talks on while one of its containers is frozen", async () => {
    await host.ok("pod", "create", "--name", "pod", "-p", "7008:7")
    await host.ok("run", "-d", "--name", "other", "--pod", "pod", "base", "sleep", "1000")
    await host.ok("run", "-d", "--name", "echo", "--pod", "pod", "base", ...echoing)
    const talk = talkTo("127.0.0.1", 7008)
    const before = await talk.beyond(5)
    expect(await host.ok("exec", "other", "cat", "/etc/hosts")).toMatch(
      /^10\.88\.\S+\tpod \S+-infra\n127\.0\.0\.1\tother\n127\.0\.0\.1\techo$/m,
    )
    expect(await host.ok("port", "other")).toBe("7/tcp -> 0.0.0.0:7008")
    await host.ok("container", "checkpoint", "other")
    await talk.beyond(before + 20)
    await host.ok("container", "restore", "other")
    const words = await talk.end()
    expect(words).toEqual(words.map((_, at) => String(at)))
    await host.ok("pod", "rm", "-f", "-t", "0", "pod")
  })

  it("with tcp-close the container goes on without its connections", async () => {
    const ip = await serve()
    const talk = talkTo(ip, 7, { patienceSeconds: 3 })
    await talk.beyond(5)
    await host.ok("container", "checkpoint", "--tcp-established", "echo")
    await host.ok("container", "restore", "--tcp-close", "echo")
    expect((await talk.end()).at(-1)).toBe("broken")
    const other = talkTo(ip, 7)
    await other.beyond(5)
    const words = await other.end()
    expect(words).toEqual(words.map((_, at) => String(at)))
  })
})
