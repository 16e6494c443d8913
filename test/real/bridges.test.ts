/** Containers on bridges: real interfaces, real packet filters, real connections. */
import * as fs from "node:fs"
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest"
import { eventually, Host } from "./support/Host.ts"
import { counter, importBase } from "./support/workloads.ts"

/** Answers every connection with a word, and counts. */
const answering = (word: string, port = 80) => [
  "sh",
  "-c",
  `(while :; do echo ${word} | nc -l -p ${port} >/dev/null; done) & ${counter[2] ?? ""}`,
]

/** What a port answers, as it is seen from the host; empty for nothing. */
const asked = async (host: Host, address: string, port: number) =>
  (
    await host.shell(`bash -c 'exec 3<>/dev/tcp/${address}/${port} && read -t 2 -r line <&3; echo "$line"'`)
  ).stdout.trim()

const answers = (host: Host, address: string, port: number, word: string) =>
  eventually(
    async () => ((await asked(host, address, port)) === word ? word : undefined),
    `${address}:${port} to answer ${word}`,
  )

const place = (host: Host, ref: string, network = "podman") =>
  host.inspect(ref, `{{with index .NetworkSettings.Networks "${network}"}}{{.IPAddress}} {{.MacAddress}}{{end}}`)

/** Everything that networks leave on a host. */
const census = async (host: Host) => ({
  links: (await host.shell("ip -o link | wc -l")).stdout.trim(),
  rules: (await host.shell("iptables-save | grep -c ^-A")).stdout.trim(),
  namespaces: fs.existsSync(`${host.runroot}/netns`) ? fs.readdirSync(`${host.runroot}/netns`) : [],
  mounts: (await host.shell(`grep -c ' ${host.runroot}/netns/' /proc/self/mountinfo`)).stdout.trim(),
})

/** crun does not run in a hybrid layout with controllers in v2. */
const hosts = [
  { runtime: "runc", cgroups: "host" },
  { runtime: "crun", cgroups: "v1" },
] as const

describe.each(hosts)("with $runtime, a container on bridges", ({ cgroups, runtime }) => {
  let host: Host
  beforeAll(async () => {
    host = await Host.make({ runtime, cgroups })
    await importBase(host)
  })
  afterEach(() => host.ok("rm", "-a", "-f", "-t", "0"))
  afterAll(() => host.dispose())

  it("is on the default network, knows its host, is reached by a published port, and leaves nothing", async () => {
    await host.ok(
      "run",
      "-d",
      "--name",
      "web",
      "-p",
      "8080:80",
      "-p",
      "127.0.0.1:9000-9001:90-91/udp",
      "base",
      ...answering("web"),
    )
    const [ip = "", mac] = (await place(host, "web")).split(" ")
    expect(ip).toMatch(/^10\.88\.0\.\d+$/)
    expect(await host.ok("exec", "web", "ip", "-4", "-o", "addr", "show", "eth0")).toContain(`${ip}/16`)
    expect(await host.ok("exec", "web", "cat", "/sys/class/net/eth0/address")).toBe(mac)
    expect(await host.ok("exec", "web", "cat", "/etc/hosts")).toMatch(
      new RegExp(String.raw`^10\.88\.0\.1\thost\.containers\.internal host\.docker\.internal\n${ip}\t\S+ web$`, "m"),
    )
    await answers(host, ip, 80, "web")
    await answers(host, "127.0.0.1", 8080, "web")
    expect(await host.ok("port", "web")).toBe(
      "80/tcp -> 0.0.0.0:8080\n90/udp -> 127.0.0.1:9000\n91/udp -> 127.0.0.1:9001",
    )
    expect(await host.ok("ps", "--format", "{{.Ports}} {{.Networks}}")).toBe(
      "0.0.0.0:8080->80/tcp, 127.0.0.1:9000-9001->90-91/udp podman",
    )
    expect(await host.run("run", "-d", "--name", "other", "-p", "8080:81", "base", "true")).toMatchObject({
      status: 126,
      stderr: "Error: cannot listen on the TCP port: listen tcp4 :8080: bind: address already in use\n",
    })
    await host.ok("rm", "-f", "-t", "0", "web")
    expect(await census(host)).toMatchObject({ links: "1", namespaces: [], mounts: "0" })
  })

  it("goes on in place with its address and its files, its ports closed in between", async () => {
    await host.ok("run", "-d", "--name", "web", "-p", "8080:80", "base", ...answering("web"))
    await answers(host, "127.0.0.1", 8080, "web")
    const before = await place(host, "web")
    await host.ok("exec", "web", "sh", "-c", "echo 1.2.3.4 mine >> /etc/hosts")
    const files = await host.ok("exec", "web", "cat", "/etc/hosts", "/etc/resolv.conf")
    const last = await host.last("web")
    await host.ok("container", "checkpoint", "web")
    expect(await asked(host, "127.0.0.1", 8080)).toBe("")
    expect(await place(host, "web")).toBe("")
    expect((await census(host)).namespaces).toEqual([])
    // somebody else takes the next free address
    await host.ok("run", "-d", "--name", "other", "base", ...counter)
    await host.ok("container", "restore", "web")
    await host.beyond("web", last)
    expect(await place(host, "web")).toBe(before)
    expect(await host.ok("exec", "web", "cat", "/etc/hosts", "/etc/resolv.conf")).toBe(files)
    await answers(host, "127.0.0.1", 8080, "web")
    await host.ok("restart", "-t", "0", "web")
    expect(await place(host, "web")).not.toBe(before)
    await host.ok("rm", "-f", "-t", "0", "web", "other")
  })

  it("goes on with its address from an archive and an image, and under another name with another", async () => {
    const archive = `${host.directory}/web.tar`
    await host.ok("run", "-d", "--name", "web", "-p", "8080:80", "base", ...answering("web"))
    const before = await place(host, "web")
    const [ip = "", mac = ""] = before.split(" ")
    await host.ok("container", "checkpoint", "--export", archive, "web")
    await host.ok("rm", "web")
    await host.ok("container", "restore", "--import", archive)
    expect(await place(host, "web")).toBe(before)
    await answers(host, "127.0.0.1", 8080, "web")
    await host.ok("container", "restore", "--import", archive, "--name", "clone", "-p", "8081:80")
    const [cloneIp = "", cloneMac] = (await place(host, "clone")).split(" ")
    expect(cloneIp).toMatch(/^10\.88\./)
    expect([cloneIp, cloneMac]).not.toContain(ip)
    expect([cloneIp, cloneMac]).not.toContain(mac)
    expect(await host.inspect("clone", "{{json .HostConfig.PortBindings}}")).toBe(
      '{"80/tcp":[{"HostIp":"0.0.0.0","HostPort":"8081"}]}',
    )
    await answers(host, cloneIp, 80, "web")
    await answers(host, "127.0.0.1", 8081, "web")
    await host.ok("container", "checkpoint", "--create-image", "web:1", "web")
    await host.ok("rm", "web")
    await host.ok("container", "restore", "web:1")
    expect(await place(host, "web")).toBe(before)
    await answers(host, "127.0.0.1", 8080, "web")
    await host.ok("rm", "-f", "-t", "0", "web", "clone")
  })

  it("is put on a network more and taken off another while it runs, and is reached where it is", async () => {
    await host.ok("network", "create", "--subnet", "10.99.5.0/24", "front")
    await host.ok("run", "-d", "--name", "web", "-p", "8080:80", "base", ...answering("web"))
    const [old = ""] = (await place(host, "web")).split(" ")
    const before = await census(host)
    // one that cannot be had leaves all as it was
    expect(await host.run("network", "connect", "--ip", "10.98.0.1", "front", "web")).toMatchObject({
      status: 125,
      stderr: "Error: requested static ip 10.98.0.1 not in any subnet on network front\n",
    })
    expect(await host.inspect("web", "{{len .NetworkSettings.Networks}}")).toBe("1")
    expect(await census(host)).toEqual(before)
    await host.ok("network", "connect", "--ip", "10.99.5.7", "front", "web")
    expect(await host.run("run", "--rm", "--network", "front", "--ip", "10.99.5.7", "base", "true")).toMatchObject({
      status: 126,
      stderr: expect.stringContaining("requested ip address 10.99.5.7 is already allocated"),
    })
    await answers(host, "10.99.5.7", 80, "web")
    await answers(host, old, 80, "web")
    await host.ok("network", "disconnect", "podman", "web")
    expect(await asked(host, old, 80)).toBe("")
    await answers(host, "10.99.5.7", 80, "web")
    await answers(host, "127.0.0.1", 8080, "web")
    expect(await host.run("network", "rm", "front")).toMatchObject({ status: 2 })
    // what it has is what it has again
    await host.ok("container", "checkpoint", "web")
    await host.ok("container", "restore", "web")
    await answers(host, "10.99.5.7", 80, "web")
    await answers(host, "127.0.0.1", 8080, "web")
    await host.ok("network", "disconnect", "front", "web")
    expect(await asked(host, "127.0.0.1", 8080)).toBe("")
    await host.ok("restart", "-t", "0", "web")
    expect(await host.ok("exec", "web", "ls", "/sys/class/net")).toBe("lo")
    await host.ok("rm", "-f", "-t", "0", "web")
    await host.ok("network", "rm", "front")
    expect(await census(host)).toMatchObject({ links: "1", namespaces: [], mounts: "0" })
  })

  it("keeps static addresses, or forgets them for good", async () => {
    const archive = `${host.directory}/static.tar`
    await host.ok("network", "create", "--subnet", "10.99.7.0/24", "net")
    const mac = "92:d0:c6:0a:29:38"
    await host.ok("run", "-d", "--name", "web", "--network", `net:ip=10.99.7.70,mac=${mac}`, "base", ...counter)
    expect(await place(host, "web", "net")).toBe(`10.99.7.70 ${mac}`)
    await host.ok("container", "checkpoint", "--export", archive, "web")
    await host.ok("rm", "web")
    await host.ok("container", "restore", "--import", archive)
    expect(await place(host, "web", "net")).toBe(`10.99.7.70 ${mac}`)
    await host.ok("container", "checkpoint", "web")
    await host.ok("container", "restore", "--ignore-static-ip", "web")
    const [ip, kept] = (await place(host, "web", "net")).split(" ")
    expect(ip).not.toBe("10.99.7.70")
    expect(kept).toBe(mac)
    await host.ok("rm", "-f", "-t", "0", "web")
    await host.ok("container", "restore", "--import", archive, "--ignore-static-mac")
    const [again, drawn] = (await place(host, "web", "net")).split(" ")
    expect(again).toBe("10.99.7.70")
    expect(drawn).not.toBe(mac)
    await host.ok("restart", "-t", "0", "web")
    expect(await place(host, "web", "net")).not.toContain(mac)
    await host.ok("rm", "-f", "-t", "0", "web")
    await host.ok("network", "rm", "net")
  })
})
