/** Volumes leave with archives and images, and come back as they were: content, labels, options; bind mounts are told. */
import { execFileSync } from "node:child_process"
import * as fs from "node:fs"
import { join } from "node:path"
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest"
import { brokenBuild, dieHere } from "./support/brokenBuild.ts"
import { Host } from "./support/Host.ts"
import { counter, importBase } from "./support/workloads.ts"

const hosts = [
  { runtime: "runc", cgroups: "host" },
  { runtime: "crun", cgroups: "v1" },
] as const

/** Builds without a protection, or that die half-way through a restore. */
const makeBuilds = async () => {
  const half = (replace: string) =>
    brokenBuild({
      file: "packages/abi/src/restore/restoreNew.ts",
      find: "yield* replay(record, opened, options)",
      replace,
    })
  // the files when the memory has been taken and the container runs again: beside CRIU, which holds it, they might be in step
  const file = "packages/abi/src/checkpoint/checkpoint.ts"
  const thawing = brokenBuild(
    { file, find: "yield* beginTaking(plan, paused)", replace: "yield* beginTaking(plan, false)" },
    { file, find: "const kept =", replace: "yield* thaw(plan)\nconst kept =" },
  )
  const failing = half(`yield* Effect.die("broken")`)
  const killed = half(`yield* Effect.sync(() => { ${dieHere} })`)
  return { thawing: await thawing, failing: await failing, killed: await killed }
}
let builds: ReturnType<typeof makeBuilds>
beforeAll(() => {
  builds = makeBuilds()
  return builds
})

describe.each(hosts)("with $runtime", (options) => {
  let host: Host
  beforeAll(async () => {
    host = await Host.make(options)
    await importBase(host, (rootfs) => {
      fs.mkdirSync(join(rootfs, "data"))
      fs.writeFileSync(join(rootfs, "data/image"), "from the image\n")
    })
    await host.ok("import", "--change", "VOLUME /declared", join(host.directory, "base.tar"), "declaring")
  })
  afterAll(() => host.dispose())

  const data = (name: string, ...path: ReadonlyArray<string>) => host.path("volumes", name, "_data", ...path)
  const file = (name: string) => join(host.directory, name)
  afterEach(() => removeAll())
  const inside = (name: string, script: string) => host.ok("exec", name, "sh", "-c", script)
  const volumes = async () => (await host.ok("volume", "ls", "-q")).split("\n").filter((name) => name !== "")
  const removeAll = async () => {
    await host.ok("rm", "-a", "-f", "-t", "0")
    await host.ok("volume", "rm", "-a")
  }
  /** Counts on standard output and into a file of a volume that it keeps open. */
  const writing = (path: string) => [
    "sh",
    "-c",
    `exec 3>>${path}; i=0; while :; do echo $i; echo $i >&3; i=$((i+1)); sleep 0.1; done`,
  ]
  const expectStep = async (name: string, path: string) => {
    const last = await host.beyond(name, await host.last(name))
    const numbers = (await inside(name, `cat ${path}`)).split("\n").map(Number)
    expect(numbers).toEqual(numbers.map((_, at) => at))
    expect(numbers.length).toBeGreaterThanOrEqual(last)
  }

  const fill = async () => {
    const content = data("vol")
    fs.writeFileSync(join(content, "holes"), "")
    fs.truncateSync(join(content, "holes"), 1 << 30)
    fs.writeFileSync(join(content, "note"), "kept\n", { mode: 0o640 })
    fs.linkSync(join(content, "note"), join(content, "second"))
    fs.symlinkSync("/etc/passwd", join(content, "soft"))
    fs.mkdirSync(join(content, "deep"))
    execFileSync("mkfifo", [join(content, "deep/fifo")])
    execFileSync("setfattr", ["-n", "user.note", "-v", "attribute", join(content, "note")])
    fs.chownSync(join(content, "note"), 33, 44)
    fs.chmodSync(content, 0o2775)
    fs.chownSync(content, 7, 8)
  }
  const expectFilled = async (name: string) => {
    const content = data(name)
    expect(fs.readdirSync(content).toSorted()).toEqual(["deep", "holes", "log", "note", "second", "soft"])
    const [note, root] = [fs.statSync(join(content, "note")), fs.statSync(content)]
    expect([note.nlink, note.mode & 0o7777, note.uid, note.gid]).toEqual([2, 0o640, 33, 44])
    expect([root.mode & 0o7777, root.uid, root.gid]).toEqual([0o2775, 7, 8])
    expect(fs.readlinkSync(join(content, "soft"))).toBe("/etc/passwd")
    expect(fs.statSync(join(content, "deep/fifo")).isFIFO()).toBe(true)
    const holes = fs.statSync(join(content, "holes"))
    expect([holes.size, holes.blocks]).toEqual([1 << 30, 0])
    expect(
      execFileSync("getfattr", ["--absolute-names", "--only-values", "-n", "user.note", join(content, "note")], {
        encoding: "utf8",
      }),
    ).toBe("attribute")
  }

  const forms = [
    { form: "an archive", out: ["--export"], at: () => file("web.tar.zst"), back: ["--import"], of: "" },
    {
      form: "an image",
      out: ["--create-image"],
      at: () => "web:frozen",
      back: [],
      of: 'unable to import checkpoint from image: "web:frozen": ',
    },
  ] as const

  it.each(forms)("volumes go on from $form with all they had, and nothing of the image comes back", async (to) => {
    await host.ok("volume", "create", "--label", "tier=front", "--label", "bare", "vol")
    await host.ok("volume", "create", "--opt", "type=tmpfs", "--opt", "device=tmpfs", "-o", "o=size=2m,mode=700", "mem")
    await host.ok(
      "run",
      "-d",
      "--name",
      "web",
      "-v",
      "vol:/data",
      "-v",
      "mem:/mem:nosuid",
      "-v",
      "vol:/again:ro",
      "base",
      ...writing("/data/log"),
    )
    await host.beyond("web", 2)
    await inside("web", "rm /data/image; echo memory > /mem/note; echo shm > /dev/shm/note")
    await fill()
    await host.ok("container", "checkpoint", ...to.out, to.at(), "web")
    const id = await host.inspect("web", "{{.Id}}")
    await host.ok("rm", "web")
    expect(await host.run("container", "restore", ...to.back, to.at())).toMatchObject({
      status: 125,
      stdout: "",
      stderr: `Error: ${to.of}volume with name vol already exists. Use --ignore-volumes to not restore content of volumes\n`,
    })
    expect(await host.ok("ps", "-aq")).toBe("")
    await removeAll()

    expect(await host.run("container", "restore", ...to.back, to.at())).toMatchObject({ stdout: `${id}\n`, stderr: "" })
    await expectStep("web", "/data/log")
    await expectStep("web", "/again/log")
    await expectFilled("vol")
    expect(
      await inside("web", "cat /mem/note /dev/shm/note; df -k /mem | awk 'END { print $2 }'; stat -c %a /mem"),
    ).toBe("memory\nshm\n2048\n700")
    expect(await host.ok("volume", "inspect", "--format", "{{json .Labels}} {{json .Options}}", "vol", "mem")).toBe(
      `{"bare":"","tier":"front"} {}\n{} {"SIZE":"2m","device":"tmpfs","o":"size=2m,mode=700","type":"tmpfs"}`,
    )
    expect(await host.inspect("web", "{{len .Mounts}}")).toBe("3")
    // a start from the beginning finds the volume as it is
    await host.ok("restart", "-t", "0", "web")
    expect(await inside("web", "test -e /data/image || echo gone")).toBe("gone")
    expect((await host.run("volume", "rm", "vol")).status).toBe(2)
    await removeAll()
  })

  // the rest has nothing to do with the runtime
  if (options.runtime !== "runc") return

  it("--ignore-volumes leaves volumes as they are, or makes them as for a new container", async () => {
    await host.ok("run", "-d", "--name", "web", "-v", "vol:/data", "base", ...counter)
    await host.beyond("web", 1)
    await inside("web", "echo then > /data/note")
    await host.ok("container", "checkpoint", "-e", file("with.tar"), "-R", "web")
    await host.ok("container", "checkpoint", "-e", file("without.tar"), "-c", "none", "--ignore-volumes", "web")
    expect(execFileSync("tar", ["-tf", file("without.tar")], { encoding: "utf8" })).not.toContain("volumes")
    fs.writeFileSync(data("vol", "note"), "now\n")
    await host.ok("rm", "web")
    await host.ok("container", "restore", "-i", file("with.tar"), "--ignore-volumes")
    expect(await inside("web", "cat /data/note")).toBe("now")
    await removeAll()

    expect(await host.run("container", "restore", "-i", file("without.tar"))).toMatchObject({
      status: 125,
      stderr: expect.stringContaining("volumes/vol.tar: is missing"),
    })
    expect([await host.ok("ps", "-aq"), await volumes()]).toEqual(["", []])
    await host.ok("container", "restore", "-i", file("without.tar"), "--ignore-volumes")
    expect(await inside("web", "cat /data/*")).toBe("from the image")
    await removeAll()
    expect(await host.run("container", "checkpoint", "--ignore-volumes", "web")).toMatchObject({
      status: 125,
      stderr: "Error: --ignore-volumes can only be used with --export\n",
    })
    expect(await host.run("container", "restore", "--ignore-volumes", "--all")).toMatchObject({
      status: 125,
      stderr: "Error: --ignore-volumes can only be used with image or --import\n",
    })
  })

  it("a container with another name gets anonymous volumes of its own", async () => {
    await host.ok("run", "-d", "--name", "web", "-v", "/anonymous", "declaring", ...writing("/declared/log"))
    await host.beyond("web", 1)
    await inside("web", "echo note > /anonymous/note")
    await host.ok("container", "checkpoint", "-R", "-e", file("web.tar"), "web")
    const before = await volumes()
    await host.ok("container", "restore", "-i", file("web.tar"), "-n", "clone")
    await expectStep("clone", "/declared/log")
    await inside("clone", "echo other > /anonymous/note")
    expect(await inside("web", "cat /anonymous/note")).toBe("note")
    expect(await volumes()).toHaveLength(2 * before.length)
    await host.ok("rm", "-f", "-t", "0", "-v", "clone")
    expect(await volumes()).toEqual(before)
    await removeAll()
  })

  it("a bind mount is told, and comes back as an empty place or as what the caller names; so does a volume", async () => {
    fs.mkdirSync(file("shared"), { recursive: true })
    fs.writeFileSync(file("shared/secret"), "of this host\n")
    await host.ok("run", "-d", "--name", "web", "-v", `${file("shared")}:/b`, "-v", "v0:/v", "base", ...counter)
    await host.beyond("web", 1)
    await inside("web", "echo kept > /v/note")
    expect(await host.run("container", "checkpoint", "-e", file("web.tar"), "web")).toMatchObject({
      status: 0,
      stdout: "web\n",
      stderr: expect.stringContaining(
        `bind mount of ${file("shared")} on /b is not part of the checkpoint: its files stay here`,
      ),
    })
    await removeAll()
    expect(await host.run("container", "restore", "-i", file("web.tar"))).toMatchObject({
      status: 0,
      stderr: expect.stringContaining(`not restored: bind mount of ${file("shared")} on /b`),
    })
    expect(await inside("web", "ls /b")).toBe("")

    // a clone beside it, with what the caller names
    const clone = ["container", "restore", "-i", file("web.tar"), "-n", "clone"]
    expect((await host.run(...clone)).stderr).toContain("volume with name v0 already exists")
    const replacing = ["-v", `${file("shared")}:/b`, "-v", "v1:/v"]
    expect(await host.run(...clone, ...replacing)).toMatchObject({ status: 0, stderr: "" })
    await host.beyond("clone", await host.last("clone"))
    await inside("clone", "echo clone > /v/note; echo written > /b/note")
    expect(await inside("clone", "cat /b/secret")).toBe("of this host")
    expect(await inside("web", "cat /v/note")).toBe("kept")
    expect(fs.readFileSync(file("shared/note"), "utf8")).toBe("written\n")
    expect(await host.inspect("clone", "{{range .Mounts}}{{.Type}} {{.Destination}} {{end}}")).toBe("volume /v bind /b")
    await host.ok("restart", "-t", "0", "clone")
    expect(await inside("clone", "cat /v/note /b/note")).toBe("clone\nwritten")
    await removeAll()
  })

  it("a restore that fails or is killed leaves neither container nor volume, and takes nobody's name", async () => {
    const archive = join(host.directory, "fails.tar")
    await host.ok("run", "-d", "--name", "web", "-v", "vol:/data", "-v", "/anonymous", "base", ...counter)
    await host.ok("volume", "create", "-o", "type=tmpfs", "-o", "device=tmpfs", "other")
    await host.beyond("web", 1)
    await host.ok("container", "checkpoint", "-e", archive, "web")
    await host.ok("rm", "-v", "web")
    await host.ok("volume", "rm", "vol")
    const { failing, killed } = await builds
    expect((await host.with(failing).run("container", "restore", "-i", archive)).status).not.toBe(0)
    expect([await host.ok("ps", "-aq"), await volumes()]).toEqual(["", ["other"]])
    expect((await host.with(killed).run("container", "restore", "-i", archive)).status).toBe(137)
    expect(await volumes()).toContain("vol")
    // under another name: it is the volume that stands in the way
    await host.ok("container", "restore", "-i", archive, "-n", "web2")
    expect(await volumes()).toHaveLength(3)
    expect((await host.run("system", "check", "--deep")).status).toBe(0)
    await removeAll()
  })

  describe("with --leave-running", () => {
    const places = ["/data/log", "/root/log", "/dev/shm/log", "/t/log"]
    const inStep = `i=0; while :; do i=$((i+1)); for at in ${places.join(" ")}; do echo $i >> $at; done; done`

    /** Whether every place has every number once, after it went on from what a build has exported while it ran. */
    const goesOnInStep = async (program: Host, ...words: readonly [string, string]) => {
      await host.ok("run", "-d", "--name", "web", "-v", "vol:/data", "--tmpfs", "/t", "base", "sh", "-c", inStep)
      // something to read for a while
      execFileSync("dd", ["if=/dev/urandom", `of=${data("vol", "big")}`, "bs=1M", "count=16"], { stdio: "ignore" })
      const made = await program.run("container", "checkpoint", "--leave-running", ...words, "web")
      expect(await host.inspect("web", "{{.State.Status}}")).toBe("running")
      await removeAll()
      // tar notices by itself when what it reads is still written to
      if (made.status !== 0) return false
      expect([made.stdout, made.stderr]).toEqual(["web\n", ""])
      const restored = await host.run("container", "restore", ...(words[0] === "-e" ? ["-i"] : []), words[1])
      const texts = await Promise.all(places.map((place) => inside("web", `cat ${place}`).catch(() => "")))
      await removeAll()
      // what runs meanwhile may have half a number at the end
      const numbers = texts.map((text) => text.split("\n").slice(0, -1).map(Number))
      return (
        restored.status === 0 && numbers.every((own) => own.length > 0 && own.every((number, at) => number === at + 1))
      )
    }

    it("memory, files, volumes and shared memory are of one instant", async () => {
      expect(await goesOnInStep(host, "-e", file("instant.tar"))).toBe(true)
      expect(await goesOnInStep(host, "--create-image", "one:instant")).toBe(true)
      expect(await goesOnInStep(host.with((await builds).thawing), "-e", file("instant.tar"))).toBe(false)
    })
  })
})
