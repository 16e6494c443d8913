/** Addresses of containers: none twice, none lost, whoever asks at once and whoever is killed; and names for them. */
import { spawn } from "node:child_process"
import { once } from "node:events"
import * as fs from "node:fs"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { afterAll, afterEach, beforeAll, expect, it } from "vitest"
import { eventually, Host } from "./support/Host.ts"
import { counter, importBase } from "./support/workloads.ts"

let host: Host
beforeAll(async () => {
  host = await Host.make()
  await importBase(host)
})
afterEach(() => host.ok("rm", "-a", "-f", "-t", "0"))
afterAll(() => host.dispose())

/** Leases as they are written down. */
const leases = () => {
  const database = new DatabaseSync(host.path("cryopod.db"), { readOnly: true })
  const rows = database.prepare("select network, address, container from addresses").all()
  database.close()
  return rows
}

/** Everything that networks leave on a host. */
const census = async () => ({
  links: (await host.shell("ip -o link | wc -l")).stdout.trim(),
  rules: (await host.shell("iptables-save | grep -c ^-A")).stdout.trim(),
  namespaces: fs.readdirSync(join(host.runroot, "netns")),
  mounts: (await host.shell(`grep -c ' ${host.runroot}/netns/' /proc/self/mountinfo`)).stdout.trim(),
  leases: leases().length,
})

it("eight processes that start three containers each give no address to two", async () => {
  const started = await Promise.all(
    Array.from({ length: 8 }, async (_, at) => {
      const ids: Array<string> = []
      for (let turn = 0; turn < 3; turn++) {
        ids.push(await host.ok("run", "-d", "--name", `c${at}-${turn}`, "base", "sleep", "1000"))
      }
      return ids
    }),
  )
  const ids = started.flat()
  expect(ids).toHaveLength(24)
  const addresses = JSON.parse(await host.ok("network", "inspect", "podman")) as ReadonlyArray<{
    readonly containers: Record<
      string,
      { readonly interfaces: Record<string, { readonly subnets: ReadonlyArray<{ readonly ipnet: string }> }> }
    >
  }>
  const given = Object.values(addresses[0]?.containers ?? {}).map(
    ({ interfaces }) => interfaces["eth0"]?.subnets[0]?.ipnet,
  )
  expect(given).toHaveLength(24)
  expect(new Set(given).size).toBe(24)
  const seen = await Promise.all(
    ids.slice(0, 4).map((id) => host.ok("exec", id, "ip", "-4", "-o", "addr", "show", "eth0")),
  )
  for (const text of seen) expect(given).toContain(/inet (\S+)/.exec(text)?.[1])
})

it("ten rounds leave behind what one does", async () => {
  const round = async () => {
    await host.ok("run", "-d", "--name", "web", "-p", "8080:80", "base", ...counter)
    await host.ok("container", "checkpoint", "web")
    await host.ok("container", "restore", "web")
    await host.ok("rm", "-f", "-t", "0", "web")
  }
  await round()
  const one = await census()
  for (let turn = 1; turn < 10; turn++) await round()
  expect(await census()).toEqual(one)
  expect(one).toMatchObject({ namespaces: [], mounts: "0", leases: 0 })
})

it("a start that is killed anywhere leaves no address, no namespace and no interface once somebody looks", async () => {
  await host.ok("create", "--name", "web", "--ip", "10.88.5.5", "-p", "8080:80", "base", ...counter)
  await host.ok("create", "--name", "other", "--ip", "10.88.5.5", "base", ...counter)
  const began = performance.now()
  await host.ok("start", "web")
  const whole = performance.now() - began
  await host.ok("stop", "-t", "0", "web")
  for (const part of [0.2, 0.35, 0.5, 0.6, 0.7, 0.8, 0.9]) {
    const [program, ...args] = host.command(["start", "web"])
    const starting = spawn(program, args, { stdio: "ignore", detached: true })
    const ended = once(starting, "exit")
    await new Promise((resolve) => setTimeout(resolve, whole * part))
    // the whole group: netavark and the runtime die with it
    if (starting.exitCode === null) process.kill(-(starting.pid ?? 0), "SIGKILL")
    await ended
    await host.run("stop", "-t", "0", "web")
    // whoever needs the address gets it
    expect(await host.ok("start", "other")).toBe("other")
    await host.ok("stop", "-t", "0", "other")
  }
  await host.ok("rm", "-a", "-f", "-t", "0")
  expect(await census()).toMatchObject({ namespaces: [], mounts: "0", leases: 0, links: "1" })
})

it("containers find each other by names and aliases, and only on networks that they share", async () => {
  await host.ok("network", "create", "front")
  await host.ok("network", "create", "back")
  await host.ok(
    "run",
    "-d",
    "--name",
    "db",
    "--network",
    "back:alias=store,alias=base",
    "base",
    ..."nc -ll -p 80 -e echo db".split(" "),
  )
  await host.ok("run", "-d", "--name", "web", "--network", "back", "--network", "front", "base", ...counter)
  await host.ok("run", "-d", "--name", "lone", "--network", "front", "base", ...counter)
  const ip = await host.inspect("db", "{{.NetworkSettings.Networks.back.IPAddress}}")
  expect(await host.ok("exec", "web", "cat", "/etc/resolv.conf")).toMatch(/^search dns\.podman.*\nnameserver 10\.89\./)
  for (const name of ["db", "store", "base"]) {
    await eventually(
      async () => ((await host.run("exec", "web", "nslookup", name)).stdout.includes(ip) ? true : undefined),
      `${name} to be found`,
    )
  }
  expect((await host.run("exec", "lone", "nslookup", "db")).stdout).not.toContain(ip)
  expect(await host.ok("exec", "web", "sh", "-c", `nc ${ip} 80 </dev/null`)).toBe("db")
  expect(await host.run("network", "rm", "back")).toMatchObject({
    status: 2,
    stderr:
      'Error: "back" has associated containers with it. Use -f to forcibly delete containers and pods: network is being used\n',
  })
  expect(await host.ok("network", "rm", "-f", "-t", "0", "back")).toBe("back")
  expect(await host.ok("ps", "--format", "{{.Names}}")).toBe("lone")
  await host.ok("rm", "-f", "-t", "0", "lone")
  expect(await host.ok("network", "prune", "-f")).toBe("front")
})
