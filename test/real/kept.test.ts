/** What Podman loses of a container at a checkpoint without a word: policies, health checks, sessions, `--rm`, units. */
import { execFileSync, spawn } from "node:child_process"
import * as fs from "node:fs"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { eventually, Host } from "./support/Host.ts"
import { counter, importBase } from "./support/workloads.ts"

/** Counts until it is told to end, by a file. */
const untilTold = [
  "sh",
  "-c",
  "rm -f /tmp/end; i=0; until [ -e /tmp/end ]; do echo $i; i=$((i+1)); sleep 0.1; done; exit 3",
]

describe.each([
  { runtime: "runc", cgroups: "host" },
  { runtime: "crun", cgroups: "v2" },
] as const)("with $runtime", (options) => {
  let host: Host
  beforeAll(async () => {
    host = await Host.make(options)
    await importBase(host)
  })
  afterAll(() => host.dispose())

  const state = (ref: string) => host.inspect(ref, "{{.State.Status}} {{.RestartCount}}")
  const becomes = (ref: string, wanted: RegExp) =>
    eventually(async () => (wanted.test(await state(ref)) ? true : undefined), `${ref} to be ${wanted}`)
  const archive = (name: string) => join(host.directory, `${name}.tar`)

  it("a restart policy leaves a frozen container alone, and is there again when it has thawed", async () => {
    await host.ok("run", "-d", "--name", "again", "--restart", "always", "base", ...untilTold)
    await host.beyond("again", 2)
    await host.ok("container", "checkpoint", "again")
    await new Promise((resolve) => setTimeout(resolve, 1000))
    expect(await state("again")).toBe("exited 0")
    await host.ok("container", "restore", "again")
    await host.beyond("again", 4)
    await host.ok("exec", "again", "touch", "/tmp/end")
    await becomes("again", /^running 1$/)
    await host.ok("container", "checkpoint", "-e", archive("again"), "again")
    expect(configOf(archive("again"))).toMatchObject({ restart_policy: "always" })
    await host.ok("rm", "again")
    await host.ok("container", "restore", "-i", archive("again"))
    expect(await host.inspect("again", "{{.HostConfig.RestartPolicy.Name}}")).toBe("always")
    await host.ok("exec", "again", "touch", "/tmp/end")
    await becomes("again", /^running 1$/)
    await host.ok("stop", "-t", "0", "again")
    await new Promise((resolve) => setTimeout(resolve, 1000))
    expect(await state("again")).toBe("exited 1")
    await host.ok("rm", "again")
  })

  it("a container told to stop between two runs of its restart policy is not started again", async () => {
    const names = Array.from({ length: 5 }, (_, index) => `between-${index}`)
    for (const name of names) await host.ok("run", "-d", "--name", name, "--restart", "always", "base", "true")
    for (const name of names) await becomes(name, /^\w+ [1-9]/)
    await host.ok("stop", ...names)
    await Promise.all(names.map((name) => becomes(name, /^exited/)))
    const ended = await Promise.all(names.map(state))
    await new Promise((resolve) => setTimeout(resolve, 1000))
    expect(await Promise.all(names.map(state))).toEqual(ended)
    await host.ok("rm", ...names)
  })

  it("a container with --rm goes into its archive, and is gone when it ends after its restore", async () => {
    await host.ok("run", "-d", "--rm", "--name", "gone", "base", ...untilTold)
    await host.beyond("gone", 2)
    await host.ok("container", "checkpoint", "-e", archive("gone"), "gone")
    expect((await host.run("container", "exists", "gone")).status).toBe(1)
    await host.ok("container", "restore", "-i", archive("gone"))
    expect(await host.inspect("gone", "{{.HostConfig.AutoRemove}}")).toBe("true")
    await host.ok("exec", "gone", "touch", "/tmp/end")
    await eventually(
      async () => ((await host.run("container", "exists", "gone")).status === 1 ? true : undefined),
      "it to be gone",
    )
  })

  it("health checks are made again after a restore, by one timer that ends with the container", async () => {
    const health = ["--health-cmd", "test -e /tmp/well", "--health-interval", "300ms", "--health-retries", "1"]
    await host.ok("run", "-d", "--name", "asked", ...health, "base", ...counter)
    const status = () => host.inspect("asked", "{{.State.Health.Status}}")
    const says = (wanted: string) =>
      eventually(async () => ((await status()) === wanted ? true : undefined), `it to be ${wanted}`)
    await says("unhealthy")
    expect(await host.run("healthcheck", "run", "asked")).toMatchObject({ status: 1, stdout: "unhealthy\n" })
    await host.ok("exec", "asked", "touch", "/tmp/well")
    await says("healthy")
    expect((await host.run("healthcheck", "run", "asked")).status).toBe(0)
    expect(await host.ok("ps", "--filter", "name=asked", "--format", "{{.Status}}")).toMatch(/^Up .* \(healthy\)$/)
    await eventually(async () => ((await timersOf(host)) === 1 ? true : undefined), "one timer")
    await host.ok("container", "checkpoint", "-e", archive("asked"), "asked")
    expect(configOf(archive("asked"))).toMatchObject({
      healthcheck: { Test: ["CMD-SHELL", "test -e /tmp/well"], Interval: 3e8, Retries: 1 },
    })
    await eventually(async () => ((await timersOf(host)) === 0 ? true : undefined), "the timer to end")
    await host.ok("rm", "asked")
    await host.ok("container", "restore", "-i", archive("asked"))
    await says("healthy")
    await host.ok("exec", "asked", "rm", "/tmp/well")
    await says("unhealthy")
    await host.ok("container", "checkpoint", "asked")
    await host.ok("container", "restore", "asked")
    await host.ok("exec", "asked", "touch", "/tmp/well")
    await says("healthy")
    await eventually(async () => ((await timersOf(host)) === 1 ? true : undefined), "one timer")
    await host.ok("rm", "-f", "-t", "0", "asked")
    await eventually(async () => ((await timersOf(host)) === 0 ? true : undefined), "the timer to end")
  })

  it("programs of exec are named when a checkpoint ends them, and a checkpoint beside them goes on", async () => {
    await host.ok("run", "-d", "--name", "seen", "base", ...counter)
    const session = await host.ok("exec", "-d", "seen", "sleep", "1000")
    const attached = host.run("exec", "seen", "sleep", "2000")
    await eventually(
      async () => ((await host.inspect("seen", "{{len .ExecIDs}}")) === "2" ? true : undefined),
      "both sessions",
    )
    const beside = await host.run("container", "checkpoint", "--leave-running", "-e", archive("seen"), "seen")
    expect(beside).toMatchObject({ status: 0, stdout: "seen\n" })
    expect(beside.stderr).toContain(
      `exec session ${session.slice(0, 12)} of seen (sleep 1000) goes on without being part of the checkpoint`,
    )
    expect(await host.inspect("seen", "{{len .ExecIDs}}")).toBe("2")
    const ran = await host.run("container", "checkpoint", "seen")
    expect(ran).toMatchObject({ status: 0, stdout: "seen\n" })
    expect(ran.stderr).toContain(`exec session ${session.slice(0, 12)} of seen (sleep 1000) ends with the checkpoint`)
    expect(ran.stderr).toContain("of seen (sleep 2000) ends with the checkpoint")
    expect((await attached).status).toBe(137)
    await host.ok("container", "restore", "seen")
    expect(await host.inspect("seen", "{{len .ExecIDs}}")).toBe("0")
    await host.ok("rm", "-f", "-t", "0", "seen")
  })

  it("conmon tells a unit that watches it of a kill, and the unit is named to whoever freezes its container", async () => {
    // conmon's parent: who has it for its main process
    const reaper =
      'syscall(157, 36, 1, 0, 0, 0); $| = 1; system(@ARGV) and die; while ((my $pid = wait) > 0) { print "ended $pid ", $? >> 8, "\\n" }'
    const words = host.command(["run", "-d", "--name", "unit", "--label", "PODMAN_SYSTEMD_UNIT=web.service", "base"])
    const quoted = [...words.slice(3), ...counter].map((word) => `'${word}'`).join(" ")
    const watching = host.shell(`exec perl -e '${reaper}' ${quoted}`)
    await eventually(
      async () => ((await host.run("container", "exists", "unit")).status === 0 ? true : undefined),
      "the container",
    )
    await host.beyond("unit", 2)
    const conmon = await host.inspect("unit", "{{.State.ConmonPid}}")
    const beside = await host.run("container", "checkpoint", "--leave-running", "-e", archive("unit"), "unit")
    expect(beside).toMatchObject({ status: 0, stderr: "" })
    const ran = await host.run("container", "checkpoint", "unit")
    expect(ran).toMatchObject({ status: 0, stdout: "unit\n" })
    expect(ran.stderr).toContain(
      "unit is watched by web.service, which starts it again unless it has SuccessExitStatus=137",
    )
    expect((await watching).stdout).toContain(`ended ${conmon} 137\n`)
    await host.ok("rm", "unit")
  })

  it("an attached run ends well when its container is frozen: a unit that restarts on failure does not", async () => {
    const [file, ...args] = host.command(["run", "--name", "unit", "base", ...counter])
    const unit = spawn(file, args, { stdio: "ignore" })
    const ended = new Promise((resolve) => unit.once("exit", resolve))
    await eventually(
      async () => ((await host.run("container", "exists", "unit")).status === 0 ? true : undefined),
      "the container",
    )
    await host.beyond("unit", 2)
    await host.ok("container", "checkpoint", "unit")
    expect(await ended).toBe(0)
    await host.ok("rm", "unit")
  })
})

const configOf = (path: string): unknown =>
  JSON.parse(execFileSync("sh", ["-c", `zstd -dc '${path}' | tar -xO config.dump`], { encoding: "utf8" }))

/** Shells that ask containers of a host whether they are well. */
const timersOf = async (host: Host): Promise<number> =>
  fs.readdirSync("/proc").filter((pid) => {
    try {
      const words = fs.readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0")
      return words[0] === "sh" && words.some((word) => word.startsWith(`${host.runroot}/`) && word.includes("/health-"))
    } catch {
      return false
    }
  }).length
