/** What Podman's users and scripts rely on: outputs, texts, exit statuses, attached runs, completion. */
import { spawn } from "node:child_process"
import { DatabaseSync } from "node:sqlite"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { builtProgram, eventually, Host, nodeProgram, programWords, project, runCommand } from "./support/Host.ts"
import { counter, importBase } from "./support/workloads.ts"

let host: Host
beforeAll(async () => {
  host = await Host.make()
  await importBase(host)
})
afterAll(() => host.dispose())

const refused: ReadonlyArray<readonly [string, ReadonlyArray<string>, number, string]> = [
  [
    "checkpoint of nothing",
    ["container", "checkpoint", "foobar"],
    125,
    'no container with name or ID "foobar" found: no such container',
  ],
  ["restore of nothing", ["container", "restore", "foobar"], 125, "no such container or image"],
  ["checkpoint without names", ["container", "checkpoint"], 125, "you must provide at least one name or id"],
  ["all and names", ["container", "restore", "--all", "x"], 125, "no arguments are needed with --all"],
  [
    "a name for a connection",
    ["container", "restore", "--tcp-established", "--name", "n", "x"],
    125,
    "--tcp-established cannot be used with --name",
  ],
  [
    "a name for two",
    ["container", "restore", "--name", "n", "x", "y"],
    125,
    "--name can only be used with one checkpoint image",
  ],
  ["an image that is no checkpoint", ["container", "restore", "base"], 125, "image is not a checkpoint: "],
  ["an unknown flag", ["ps", "--nope"], 125, "unknown flag: --nope"],
  ["an unknown command", ["nope"], 125, "unrecognized command"],
  ["rm of nothing", ["rm", "foobar"], 1, "no such container"],
  ["a missing image", ["run", "--pull", "never", "nowhere"], 125, "nowhere: image not known"],
  ["a program that is not there", ["run", "--rm", "base", "/nope"], 127, "no such file or directory"],
  [
    "a runtime nobody has",
    ["--runtime", "magic", "ps"],
    125,
    'default OCI runtime "magic" not found: invalid argument',
  ],
]

it.each(refused)("refuses %s", async (_, args, status, text) => {
  const ran = await host.run(...args)
  expect([ran.status, ran.stderr]).toEqual([status, expect.stringContaining(text)])
  expect(ran.stderr.startsWith("Error: ")).toBe(true)
})

it("refuses checkpoints in rounds where memory is not tracked, and the container goes on", async () => {
  await host.ok("run", "-d", "--name", "rounds", "base", ...counter)
  const tracked = (await host.shell("PATH=/opt/cryopod/bin:$PATH criu check --feature mem_dirty_track")).status === 0
  for (const flag of ["--pre-checkpoint", "--with-previous"]) {
    const ran = await host.run("container", "checkpoint", flag, "rounds")
    const text = tracked
      ? "checkpoints in several rounds cannot be made yet"
      : "system (architecture/kernel/CRIU) does not support memory tracking"
    expect([ran.status, ran.stderr]).toEqual([125, expect.stringContaining(text)])
  }
  await host.beyond("rounds", await host.last("rounds"))
  await host.ok("rm", "-ft0", "rounds")
})

it("says what state stands in the way", async () => {
  await host.ok("run", "-d", "--name", "state", "base", ...counter)
  const running = await host.run("rm", "state")
  expect([running.status, running.stderr]).toEqual([
    2,
    expect.stringContaining(" as it is running - running or paused containers cannot be removed without force"),
  ])
  await host.ok("container", "checkpoint", "state")
  expect((await host.run("pause", "state")).stderr).toBe(
    `Error: "exited" is not running, can't pause: container state improper\n`,
  )
  expect((await host.run("container", "checkpoint", "state")).stderr).toBe(
    `Error: "exited" is not running, cannot checkpoint: container state improper\n`,
  )
  await host.ok("rm", "state")
})

it("prints lists and documents by template", async () => {
  const id = await host.ok("run", "-d", "--name", "shown", "--label", "tier=front", "base", ...counter)
  expect(await host.ok("ps", "--all", "--noheading", "--no-trunc", "--format", "{{.ID}} {{.State}}")).toBe(
    `${id} running`,
  )
  expect(await host.ok("ps", "--format", "{{.Status}}")).toMatch(/^Up /)
  expect((await host.ok("ps", "-q")).split("\n")).toEqual([id.slice(0, 12)])
  expect(JSON.parse(await host.ok("ps", "--format", "json"))).toMatchObject([
    { Id: id, Names: ["shown"], State: "running" },
  ])
  expect(await host.inspect("shown", '{{index .Config.Labels "tier"}} {{.OCIRuntime}}')).toBe("front runc")
  expect((await host.ok("images")).split("\n")[1]).toMatch(/^localhost\/base +latest +[0-9a-f]{12} /)
  expect(await host.ok("info", "--format", "{{ .Host.OCIRuntime.Name }}")).toBe("runc")
  const bad = await host.run("inspect", "--format", "{{.Nope}}", "shown")
  expect([bad.status, bad.stderr]).toEqual([
    125,
    expect.stringContaining("can't evaluate field Nope in type interface {}"),
  ])
  await host.ok("rm", "-ft0", "shown")
})

it("finds this host fit, with every tool by path and version", async () => {
  const found = JSON.parse(await host.ok("system", "check", "--format", "json")) as {
    readonly fit: boolean
    readonly tools: ReadonlyArray<{
      readonly name: string
      readonly status: string
      readonly problem: string
      readonly remedy: string
    }>
  }
  expect(found.fit).toBe(true)
  for (const name of ["conmon", "criu", "runc", "skopeo", "umoci"]) {
    expect(found.tools.find((tool) => tool.name === name)).toMatchObject({
      status: "ok",
      path: expect.stringContaining("/"),
    })
  }
  expect(found.tools.filter(({ problem, remedy }) => problem !== "" && remedy === "")).toEqual([])
})

describe("an attached run", () => {
  it("streams both outputs, passes input and the exit code", async () => {
    const ran = await runCommand(
      host.command(["run", "--rm", "-i", "base", "sh", "-c", "cat; echo problem >&2; exit 7"]),
      "given\n",
    )
    expect(ran).toMatchObject({ status: 7, stdout: "given\n", stderr: "problem\n" })
  })

  it("loses nothing of a burst", async () => {
    const ran = await host.run("run", "--rm", "base", "seq", "1", "50000")
    expect(ran.stdout).toBe(Array.from({ length: 50_000 }, (_, at) => `${at + 1}\n`).join(""))
  })

  it("hands Ctrl-C on to the container", async () => {
    const [file, ...args] = host.command([
      "run",
      "--rm",
      "--name",
      "trap",
      "base",
      "sh",
      "-c",
      "trap 'echo caught; exit 3' INT; echo ready; while :; do sleep 0.1; done",
    ])
    const child = spawn(file, args, { stdio: ["ignore", "pipe", "inherit"] })
    let stdout = ""
    child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString("utf8")))
    await eventually(async () => (stdout.includes("ready") ? true : undefined), "the container")
    child.kill("SIGINT")
    const status = await new Promise((resolve) => child.once("close", resolve))
    expect([status, stdout]).toEqual([3, "ready\ncaught\n"])
    await eventually(
      async () => ((await host.ok("ps", "-aq")) === "" ? true : undefined),
      "the container to be removed",
    )
  })

  it("gives a terminal to run -it and exec -it", async () => {
    const typed = async (command: string, keys: string) => runCommand(["script", "-qec", command, "/dev/null"], keys)
    const words = (args: ReadonlyArray<string>) =>
      host
        .command(args)
        .map((word) => `'${word}'`)
        .join(" ")
    const ran = await typed(words(["run", "-it", "--name", "term", "base", "sh"]), "tty; echo $((6*7))\nexit 5\n")
    expect(ran.status).toBe(5)
    expect(ran.stdout).toMatch(/\/dev\/pts\/0\s+42/)
    await host.ok("run", "-d", "--name", "shell", "base", ...counter)
    const executed = await typed(words(["exec", "-it", "shell", "sh"]), "tty; exit 4\n")
    expect([executed.status, executed.stdout]).toEqual([4, expect.stringContaining("/dev/pts/")])
    await host.ok("rm", "-ft0", "shell", "term")
  })

  it("runs exec with its own exit code, directory, user and environment", async () => {
    await host.ok("run", "-d", "--name", "target", "base", ...counter)
    expect((await host.run("exec", "target", "sh", "-c", "exit 9")).status).toBe(9)
    expect(await host.ok("exec", "-w", "/tmp", "-e", "A=1", "target", "sh", "-c", "pwd; echo $A")).toBe("/tmp\n1")
    expect((await host.run("exec", "target", "cat", "/missing")).stderr).toContain(
      "cat: can't open '/missing': No such file or directory",
    )
    await host.ok("rm", "-ft0", "target")
    expect((await host.run("exec", "target", "true")).stderr).toContain("no such container")
  })
})

it("understands that the host was started anew", async () => {
  const id = await host.ok("run", "-d", "--name", "old", "base", ...counter)
  const database = new DatabaseSync(host.path("cryopod.db"))
  const row = database.prepare("select state from containers where id = ?").get(id) as { readonly state: string }
  database
    .prepare("update containers set state = ? where id = ?")
    .run(JSON.stringify({ ...JSON.parse(row.state), bootId: "another" }), id)
  database.close()
  expect(await host.inspect("old", "{{.State.Status}}")).toBe("exited")
  await host.ok("start", "old")
  await host.beyond("old", 0)
  await host.ok("rm", "-ft0", "old")
})

it("completes commands, flags and names", async () => {
  await host.ok("run", "-d", "--name", "completed", "base", ...counter)
  const complete = async (...words: ReadonlyArray<string>) => {
    return (
      await runCommand([
        ...programWords(builtProgram),
        "__completeNoDesc",
        "--root",
        host.root,
        "--runroot",
        host.runroot,
        ...words,
      ])
    ).stdout
  }
  expect(await complete("container", "che")).toContain("checkpoint\n")
  expect(await complete("container", "checkpoint", "--create")).toContain("--create-image")
  expect(await complete("container", "checkpoint", "compl")).toContain("completed\n")
  await host.ok("rm", "-ft0", "completed")
})

it("runs the example of the documentation", async () => {
  await host.ok("run", "-d", "--name", "library", "base", ...counter)
  const ran = await runCommand([
    nodeProgram,
    "--conditions=cryopod-source",
    join(project, "docs/examples/checkpoint.ts"),
    host.root,
    host.runroot,
    "library",
    "library:1",
  ])
  expect(ran).toMatchObject({ status: 0, stderr: "" })
  expect(ran.stdout).toBe("library → library:1\n")
  await host.ok("rm", "library")
  await host.ok("container", "restore", "library:1")
  await host.ok("rm", "-ft0", "library")
})
