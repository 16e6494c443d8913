/** Networks: their commands in Podman's words, and by several processes at once. */
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { Host } from "./support/Host.ts"

describe("network commands", () => {
  let host: Host
  beforeAll(async () => {
    host = await Host.make()
  })
  afterAll(() => host.dispose())

  it("create, ls, inspect, exists, rm and prune say what Podman says", async () => {
    expect(await host.ok("network", "ls")).toBe("NETWORK ID    NAME        DRIVER\n2f259bab93aa  podman      bridge")
    expect(await host.ok("network", "create")).toBe("podman1")
    expect(await host.ok("network", "create", "--subnet", "10.99.1.0/24", "--label", "a=b", "net")).toBe("net")
    expect(await host.run("network", "create", "net")).toMatchObject({
      status: 125,
      stderr: "Error: network name net already used: network already exists\n",
    })
    expect(await host.ok("network", "create", "--ignore", "net")).toBe("net")
    expect(await host.run("network", "create", "--subnet", "10.99.1.128/25", "other")).toMatchObject({
      status: 125,
      stderr: "Error: subnet 10.99.1.128/25 is already used on the host or by another config\n",
    })
    expect(await host.ok("network", "ls", "--noheading", "--format", "{{.Name}} {{.Driver}} {{.Labels}}.")).toBe(
      "net bridge a=b.\npodman bridge .\npodman1 bridge .",
    )
    expect(JSON.parse(await host.ok("network", "inspect", "net"))).toMatchObject([
      {
        name: "net",
        driver: "bridge",
        network_interface: "podman2",
        subnets: [{ subnet: "10.99.1.0/24", gateway: "10.99.1.1" }],
        dns_enabled: true,
        labels: { a: "b" },
        containers: {},
      },
    ])
    expect(await host.ok("network", "inspect", "--format", "{{.Name}} {{(index .Subnets 0).Gateway}}", "net")).toBe(
      "net 10.99.1.1",
    )
    expect(await host.run("network", "inspect", "nope")).toMatchObject({
      status: 125,
      stdout: "[]\n",
      stderr: "Error: network nope: unable to find network with name or ID nope: network not found\n",
    })
    expect((await host.run("network", "exists", "net")).status).toBe(0)
    expect((await host.run("network", "exists", "nope")).status).toBe(1)
    expect(await host.run("network", "rm", "net", "nope")).toMatchObject({
      status: 1,
      stdout: "net\n",
      stderr: "Error: unable to find network with name or ID nope: network not found\n",
    })
    expect(await host.run("network", "rm", "-f", "nope")).toMatchObject({ status: 0, stdout: "", stderr: "" })
    expect(await host.run("network", "rm", "-t", "0", "podman1")).toMatchObject({
      status: 125,
      stderr: "Error: --force option must be specified to use the --time option\n",
    })
    expect(await host.run("network", "rm", "podman")).toMatchObject({
      status: 125,
      stderr: "Error: default network podman cannot be removed\n",
    })
    expect(await host.ok("network", "prune", "--force")).toBe("podman1")
    expect(await host.ok("network", "ls", "-q")).toBe("podman")
  })

  it("prune asks first", async () => {
    await host.ok("network", "create", "kept")
    expect(await host.run("network", "prune")).toMatchObject({
      status: 125,
      stdout: expect.stringContaining("WARNING! This will remove all networks not used by at least one container.\n"),
      stderr: "Error: EOF\n",
    })
    expect((await host.run("network", "exists", "kept")).status).toBe(0)
    await host.ok("network", "rm", "kept")
  })

  it("passes over what the host uses", async () => {
    await host.shell("ip link add podman1 type bridge; ip addr add 10.89.0.9/24 dev podman1; ip link set podman1 up")
    await host.ok("network", "create", "net")
    expect(
      await host.ok("network", "inspect", "--format", "{{.NetworkInterface}} {{(index .Subnets 0).Subnet}}", "net"),
    ).toBe("podman2 10.89.1.0/24")
    await host.ok("network", "rm", "net")
    await host.shell("ip link del podman1")
  })

  it("of eight processes that make networks at once, all get a bridge and a subnet of their own", async () => {
    const names = await Promise.all(Array.from({ length: 8 }, () => host.ok("network", "create")))
    expect(new Set(names).size).toBe(8)
    const rows = await host.ok("network", "ls", "--noheading", "--format", "{{range .Subnets}}{{.Subnet}}{{end}}")
    expect(new Set(rows.split("\n")).size).toBe(9)
    await host.ok("network", "prune", "-f")
  })
})
