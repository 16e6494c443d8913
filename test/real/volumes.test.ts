/** Named volumes: made, listed, removed, by several processes at once and by processes that are killed. */
import * as fs from "node:fs"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { brokenBuild, type Change, dieHere } from "./support/brokenBuild.ts"
import { Host } from "./support/Host.ts"

const abi = (file: string) => `packages/abi/src/${file}`
const kill = (file: string, find: string): Change => ({
  file: abi(file),
  find,
  replace: `yield* Effect.sync(() => { ${dieHere} });\n${find}`,
})

describe("volume commands", () => {
  let host: Host
  beforeAll(async () => {
    host = await Host.make()
  })
  afterAll(() => host.dispose())

  const data = (name: string) => host.path("volumes", name, "_data")

  it("create, ls, inspect, exists and rm say what Podman says", async () => {
    expect(await host.ok("volume", "create", "--label", "a=b", "vol")).toBe("vol")
    expect(await host.run("volume", "create", "vol")).toMatchObject({
      status: 125,
      stderr: "Error: volume with name vol already exists: volume already exists\n",
    })
    expect(await host.ok("volume", "create", "--ignore", "vol")).toBe("vol")
    const random = await host.ok("volume", "create")
    expect(random).toMatch(/^[0-9a-f]{64}$/)
    expect(await host.ok("volume", "ls", "--format", "{{.Name}} {{.Driver}}")).toBe(`vol local\n${random} local`)
    expect(await host.ok("volume", "ls")).toBe(`DRIVER      VOLUME NAME\nlocal       vol\nlocal       ${random}`)
    expect(await host.ok("volume", "inspect", "--format", "{{.Mountpoint}} {{.Labels.a}}", "vol")).toBe(
      `${data("vol")} b`,
    )
    expect(await host.ok("inspect", "--format", "{{.Scope}}", "vol")).toBe("local")
    expect((await host.run("volume", "exists", "vol")).status).toBe(0)
    expect((await host.run("volume", "exists", "nope")).status).toBe(1)
    expect(await host.run("volume", "rm", "vol", "nope")).toMatchObject({
      status: 1,
      stdout: "vol\n",
      stderr: 'Error: no volume with name "nope" found: no such volume\n',
    })
    expect(await host.run("volume", "rm", "-f", "nope")).toMatchObject({ status: 0, stdout: "", stderr: "" })
    expect(await host.ok("volume", "prune", "--force")).toBe(random)
    expect(await host.run("volume", "ls")).toMatchObject({ status: 0, stdout: "" })
    expect(fs.readdirSync(host.path("volumes"))).toEqual([])
  })

  it("prune asks first, and does nothing without an answer", async () => {
    await host.ok("volume", "create", "kept")
    const asked = await host.run("volume", "prune")
    expect(asked).toMatchObject({ status: 125, stderr: "Error: EOF\n" })
    expect(asked.stdout).toContain("WARNING! This will remove all volumes not used by at least one container.")
    expect(await host.ok("volume", "ls", "-q")).toBe("kept")
    await host.ok("volume", "rm", "-a")
  })

  it("of eight processes that make one volume, one makes it", async () => {
    const all = await Promise.all(Array.from({ length: 8 }, () => host.run("volume", "create", "wanted")))
    expect(all.filter(({ status }) => status === 0)).toHaveLength(1)
    const refusals = all.filter(({ status }) => status !== 0).map(({ stderr }) => stderr)
    expect(new Set(refusals)).toEqual(
      new Set(["Error: volume with name wanted already exists: volume already exists\n"]),
    )
    fs.writeFileSync(`${data("wanted")}/file`, "content")
    const removals = await Promise.all(Array.from({ length: 4 }, () => host.run("volume", "rm", "wanted")))
    expect(removals.filter(({ status }) => status === 0)).toHaveLength(1)
    expect(fs.readdirSync(host.path("volumes"))).toEqual([])
  })

  const createDeaths: ReadonlyArray<readonly [string, Change]> = [
    ["before anything is made", kill("volume/createVolume.ts", "yield* discardDirectory(name)")],
    ["before the volume is recorded", kill("volume/createVolume.ts", "yield* volumes.insert(record)")],
  ]
  it.each(createDeaths)("a create that is killed %s leaves no volume, and the name free", async (_, change) => {
    expect((await host.with(await brokenBuild(change)).run("volume", "create", "dead")).status).toBe(137)
    expect((await host.run("volume", "exists", "dead")).status).toBe(1)
    // what lies there is nobody's, and must not become the content of the next volume of this name
    if (fs.existsSync(data("dead"))) fs.writeFileSync(`${data("dead")}/stale`, "stale")
    await host.ok("volume", "create", "dead")
    expect(fs.readdirSync(data("dead"))).toEqual([])
    await host.ok("volume", "rm", "dead")
  })

  const removeDeaths: ReadonlyArray<readonly [string, Change]> = [
    ["before the record is gone", kill("volume/removeVolume.ts", "yield* (yield* Volumes).remove(name, except)")],
    [
      "before the content is gone",
      kill("volume/removeVolume.ts", "yield* discardDirectory(name)\n      yield* dropLock"),
    ],
    ["while the content goes", kill("volume/removeVolume.ts", 'yield* attemptSync("remove", directory')],
    ["when the content is gone", kill("volume/removeVolume.ts", "yield* dropLock(lock)")],
  ]
  it.each(removeDeaths)("a removal that is killed %s leaves the volume whole, or none", async (_, change) => {
    await host.ok("volume", "create", "dead")
    for (let at = 0; at < 20; at++) fs.writeFileSync(`${data("dead")}/${at}`, "content")
    expect((await host.with(await brokenBuild(change)).run("volume", "rm", "dead")).status).toBe(137)
    const exists = (await host.run("volume", "exists", "dead")).status === 0
    const files = fs.existsSync(data("dead")) ? fs.readdirSync(data("dead")).length : 0
    expect(exists ? files : 20).toBe(20)
    await host.run("volume", "rm", "dead")
    await host.ok("volume", "create", "dead")
    expect(fs.readdirSync(data("dead"))).toEqual([])
    await host.ok("volume", "rm", "dead")
    expect(fs.readdirSync(host.path("tmp"))).toEqual([])
  })

  it("prune sweeps what killed commands left, which the deep check finds", async () => {
    await host.ok("volume", "create", "dead")
    const change = kill("volume/removeVolume.ts", "yield* discardDirectory(name)\n      yield* dropLock")
    expect((await host.with(await brokenBuild(change)).run("volume", "rm", "dead")).status).toBe(137)
    expect(fs.readdirSync(host.path("volumes"))).toEqual(["dead"])
    expect(await host.ok("volume", "create", "whole")).toBe("whole")
    expect((await host.run("system", "check", "--deep")).stdout).toContain(
      `${host.path("volumes/dead")} belongs to no volume`,
    )
    expect(await host.ok("volume", "prune", "-f")).toBe("whole")
    expect(fs.readdirSync(host.path("volumes"))).toEqual([])
  })

  it("removing a volume never reaches what is mounted in it", async () => {
    const elsewhere = fs.mkdtempSync(`${host.directory}/elsewhere-`)
    fs.writeFileSync(`${elsewhere}/precious`, "kept")
    await host.ok("volume", "create", "mounted")
    await host.shell(`mount --bind ${elsewhere} ${data("mounted")}`)
    await host.ok("volume", "rm", "mounted")
    expect(fs.readFileSync(`${elsewhere}/precious`, "utf8")).toBe("kept")
  })
})
