/** The main job with every runtime and cgroup layout: freeze, remove, thaw, go on. */
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { eventually, Host, type HostOptions } from "./support/Host.ts"
import { counter, importBase } from "./support/workloads.ts"

const hosts: ReadonlyArray<Required<Pick<HostOptions, "runtime" | "cgroups">>> = [
  { runtime: "runc", cgroups: "host" },
  { runtime: "runc", cgroups: "v1" },
  { runtime: "runc", cgroups: "v2" },
  { runtime: "crun", cgroups: "v1" },
  { runtime: "crun", cgroups: "v2" },
]

describe.each(hosts)("$runtime with $cgroups cgroups", (options) => {
  let host: Host
  beforeAll(async () => {
    host = await Host.make(options)
    await importBase(host)
  })
  afterAll(() => host.dispose())

  const state = "{{.State.Status}}:{{.State.Running}}:{{.State.Paused}}:{{.State.Checkpointed}}"

  it("goes on in place, losing no line", async () => {
    await host.ok("run", "-d", "--name", "web", "base", ...counter)
    await host.beyond("web", 2)
    expect(await host.ok("container", "checkpoint", "web")).toBe("web")
    expect(await host.inspect("web", state)).toBe("exited:false:false:true")
    const frozen = await host.last("web")
    expect(await host.ok("container", "restore", "web")).toBe("web")
    expect(await host.inspect("web", state)).toBe("running:true:false:false")
    await host.beyond("web", frozen)
    const numbers = await host.numbers("web")
    expect(numbers).toEqual(numbers.map((_, at) => at))
  })

  it("a process that a signal has stopped is frozen with the others, or named where that cannot be", async () => {
    const stopping = "sleep 1000 & kill -STOP $!; echo $!; while :; do sleep 0.1; done"
    await host.ok("run", "-d", "--name", "stopped", "base", "sh", "-c", stopping)
    await eventually(async () => (await host.ok("logs", "stopped")) || undefined, "its number")
    const ran = await host.run("container", "checkpoint", "stopped")
    const frozen = options.cgroups === "v2"
    const refusal = /^Error: process \d+ \(\w+\) of container [0-9a-f]{64} is stopped, .*kill -CONT/
    expect([ran.status, refusal.test(ran.stderr)]).toEqual(frozen ? [0, false] : [125, true])
    if (frozen) await host.ok("container", "restore", "stopped")
    expect(await host.inspect("stopped", state)).toBe("running:true:false:false")
    expect(await host.ok("top", "stopped", "stat")).toMatch(/^T/m)
    await host.ok("rm", "-f", "-t", "0", "stopped")
  })

  it("goes on from an image after the container is gone, with its id, name, environment, hostname, memory files and log", async () => {
    const id = await host.ok(
      "run",
      "-d",
      "--name",
      "db",
      "-e",
      "COLOUR=blue",
      "--hostname",
      "depot",
      "base",
      ...counter,
    )
    await host.ok("exec", "db", "sh", "-c", "echo kept > /dev/shm/note; mkfifo /tmp/pipe")
    await host.beyond("db", 2)
    expect(await host.ok("container", "checkpoint", "--create-image", "db:frozen", "db")).toBe("db")
    const frozen = await host.last("db")
    await host.ok("rm", "db")
    expect(await host.ok("container", "restore", "db:frozen")).toBe(id)
    await host.beyond("db", frozen)
    expect(
      await host.ok(
        "exec",
        "db",
        "sh",
        "-c",
        "cat /dev/shm/note; hostname; echo $COLOUR; test -p /tmp/pipe && echo pipe",
      ),
    ).toBe("kept\ndepot\nblue\npipe")
    const numbers = await host.numbers("db")
    expect(numbers).toEqual(numbers.map((_, at) => at))
  })

  it("thaws one image twice under new names", async () => {
    const frozen = (await host.ok("container", "restore", "--name", "db2", "db:frozen")).trim()
    expect(frozen).toMatch(/^[0-9a-f]{64}$/)
    const third = await host.ok("container", "restore", "--name", "db3", "db:frozen")
    expect(third).not.toBe(frozen)
    await host.beyond("db2", await host.last("db2"))
    await host.beyond("db3", await host.last("db3"))
  })

  it("thaws under a new name what is gone by then, in cgroups of its own", async () => {
    await host.ok("run", "-d", "--name", "gone", "base", ...counter)
    await host.beyond("gone", 1)
    await host.ok("container", "checkpoint", "--create-image", "gone:1", "gone")
    await host.ok("rm", "gone")
    for (const name of ["heir1", "heir2"]) {
      const id = await host.ok("container", "restore", "--name", name, "gone:1")
      await host.beyond(name, await host.last(name))
      const pid = await host.inspect(name, "{{.State.Pid}}")
      const named = (await host.shell(`cat /proc/${pid}/cgroup`)).stdout
        .split("\n")
        .filter((line) => line.includes("/cryopod/"))
      expect(named.map((line) => line.slice(-id.length))).toEqual(named.map(() => id))
      expect(named).not.toEqual([])
    }
    await host.ok("rm", "-f", "-t", "0", "heir1", "heir2")
  })

  it("leaves the container running with --leave-running, and the image is of that moment", async () => {
    await host.ok("container", "checkpoint", "--leave-running", "--create-image", "web:live", "web")
    const numbers = await host.last("web")
    await host.beyond("web", numbers + 3)
    await host.ok("container", "restore", "--name", "web-then", "web:live")
    const resumed = await host.numbers("web-then")
    expect(resumed).toEqual(resumed.map((_, at) => at))
  })

  it("survives pause, kill by signal, stop, start and rename", async () => {
    await host.ok("pause", "web")
    expect(await host.inspect("web", "{{.State.Status}}")).toBe("paused")
    await host.ok("unpause", "web")
    await host.ok("rename", "web", "front")
    await host.ok("stop", "-t", "0", "front")
    expect(await host.inspect("front", "{{.State.Status}} {{.State.ExitCode}}")).toBe("exited 137")
    await host.ok("start", "front")
    await host.beyond("front", 0)
    await host.ok("kill", "--signal", "KILL", "front")
    expect(await host.ok("wait", "front")).toBe("137")
    await host.ok("rm", "front")
  })

  it("restores processes as a tree, with all of them in the container's own cgroups", async () => {
    await host.ok(
      "run",
      "-d",
      "--name",
      "tree",
      "base",
      "sh",
      "-c",
      "sleep 1000 & sleep 2000 & while :; do sleep 0.1; done",
    )
    await host.ok("container", "checkpoint", "--create-image", "tree:1", "tree")
    await host.ok("rm", "tree")
    await host.ok("container", "restore", "tree:1")
    const rows = (await host.ok("top", "tree", "args")).split("\n").map((row) => row.trim())
    expect(rows).toContain("sleep 1000")
    expect(rows).toContain("sleep 2000")
    await host.ok("rm", "-f", "-t", "0", "tree")
  })
})
