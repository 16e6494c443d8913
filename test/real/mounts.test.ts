/** Volumes, bind mounts and file systems in memory of running containers, and through a checkpoint in place. */
import { execFileSync } from "node:child_process"
import * as fs from "node:fs"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { brokenBuild, dieHere } from "./support/brokenBuild.ts"
import { Host } from "./support/Host.ts"
import { counter, importBase } from "./support/workloads.ts"

/** /data has content, an owner, a mode, and everything that is easily lost in a copy. */
const withData = (rootfs: string) => {
  fs.mkdirSync(join(rootfs, "data/deep"), { recursive: true })
  fs.writeFileSync(join(rootfs, "data/image"), "from the image\n")
  fs.linkSync(join(rootfs, "data/image"), join(rootfs, "data/linked"))
  fs.symlinkSync("image", join(rootfs, "data/soft"))
  fs.writeFileSync(join(rootfs, "data/deep/file"), "deep\n")
  execFileSync("setfattr", ["-n", "user.note", "-v", "kept", join(rootfs, "data/image")])
  fs.chownSync(join(rootfs, "data/deep/file"), 5, 6)
  fs.chownSync(join(rootfs, "data"), 33, 44)
  fs.chmodSync(join(rootfs, "data"), 0o2750)
  // a way out of the root filesystem, for whoever follows it on the host
  fs.symlinkSync("/etc", join(rootfs, "escape"))
}

const hosts = [
  { runtime: "runc", cgroups: "host" },
  { runtime: "crun", cgroups: "v1" },
] as const

describe.each(hosts)("with $runtime", (options) => {
  let host: Host
  beforeAll(async () => {
    host = await Host.make(options)
    await importBase(host, withData)
    const declaring = ["--change", 'CMD ["sh"]', "--change", "VOLUME /data"]
    await host.ok("import", ...declaring, join(host.directory, "base.tar"), "declaring")
  })
  afterAll(() => host.dispose())

  const data = (name: string, ...path: ReadonlyArray<string>) => host.path("volumes", name, "_data", ...path)
  const sleeping = ["sh", "-c", "while :; do sleep 1; done"]
  const inside = (name: string, script: string) => host.ok("exec", name, "sh", "-c", script)
  const remove = (...names: ReadonlyArray<string>) => host.ok("rm", "-f", "-t", "0", "-v", ...names)

  it("a new volume gets the image's content once, with owners, modes, links and attributes", async () => {
    await host.ok("run", "-d", "--name", "first", "-v", "vol:/data", "base", ...sleeping)
    expect(
      await inside(
        "first",
        "cat /data/image /data/deep/file; readlink /data/soft; stat -c '%h %a %u:%g' /data/image /data",
      ),
    ).toBe("from the image\ndeep\nimage\n2 644 0:0\n3 2750 33:44")
    expect(await inside("first", "stat -c %u:%g /data/deep/file")).toBe("5:6")
    expect(execFileSync("getfattr", ["--only-values", "-n", "user.note", data("vol", "linked")]).toString()).toBe(
      "kept",
    )
    await inside("first", "rm -r /data/*; echo mine > /data/mine")
    await host.ok("run", "-d", "--name", "second", "-v", "vol:/data", "base", ...sleeping)
    // what the first container has deleted does not come back
    expect(await inside("second", "ls /data")).toBe("mine")
    expect(await host.run("volume", "rm", "vol")).toMatchObject({ status: 2, stdout: "" })
    await remove("first", "second")
    expect(fs.readdirSync(data("vol"))).toEqual(["mine"])
    await host.ok("volume", "rm", "vol")
  })

  it("nocopy leaves a volume empty, and a place that leads out of the container is not followed", async () => {
    await host.ok("run", "--rm", "-v", "bare:/data:nocopy", "base", "true")
    expect(fs.readdirSync(data("bare"))).toEqual([])
    await host.ok("run", "--rm", "-v", "out:/escape", "base", "true")
    expect(fs.readdirSync(data("out"))).not.toContain("shadow")
    await host.ok("volume", "rm", "bare", "out")
  })

  it("a copy that was killed half-way is made again from the beginning", async () => {
    const program = await brokenBuild({
      file: "packages/abi/src/volume/fillVolume.ts",
      find: "yield* copyInto(place, data)",
      replace: `yield* Effect.sync(() => { fs.writeFileSync(join(data, "half"), ""); ${dieHere} })`,
    })
    await host.ok("create", "--name", "web", "-v", "vol:/data", "base", ...sleeping)
    expect((await host.with(program).run("start", "web")).status).toBe(137)
    expect(fs.readdirSync(data("vol"))).toEqual(["half"])
    await host.ok("start", "web")
    expect(fs.readdirSync(data("vol")).toSorted()).toEqual(["deep", "image", "linked", "soft"])
    await remove("web")
    await host.ok("volume", "rm", "vol")
  })

  it("U gives a volume or directory to the container's user", async () => {
    const shared = fs.mkdtempSync(`${host.directory}/shared-`)
    fs.mkdirSync(`${shared}/deep`)
    fs.writeFileSync(`${shared}/deep/file`, "")
    fs.symlinkSync("/etc/passwd", `${shared}/soft`)
    await host.ok(
      "run",
      "--rm",
      "--user",
      "1000:1001",
      "-v",
      `${shared}:/b:U`,
      "base",
      "sh",
      "-c",
      "echo x > /b/deep/file",
    )
    expect(["", "deep", "deep/file"].map((path) => fs.statSync(join(shared, path)).uid)).toEqual([1000, 1000, 1000])
    expect(fs.lstatSync(`${shared}/soft`).gid).toBe(1001)
    expect(fs.statSync("/etc/passwd").uid).toBe(0)
  })

  it("volumes that nobody named go with rm -v and with --rm, and stay otherwise", async () => {
    await host.ok("run", "-d", "--name", "web", "-v", "/anonymous", "-v", "named:/named", "declaring", ...sleeping)
    expect((await host.ok("volume", "ls", "-q")).split("\n")).toHaveLength(3)
    expect(await host.inspect("web", "{{len .Mounts}} {{len .HostConfig.Binds}}")).toBe("3 3")
    await host.ok("rm", "-f", "-t", "0", "web")
    expect((await host.ok("volume", "ls", "-q")).split("\n")).toHaveLength(3)
    expect((await host.ok("volume", "prune", "-f")).split("\n")).toHaveLength(3)

    await host.ok("run", "-d", "--name", "web", "-v", "/anonymous", "-v", "named:/named", "declaring", ...sleeping)
    await remove("web")
    expect(await host.ok("volume", "ls", "-q")).toBe("named")
    await host.ok("run", "--rm", "-v", "/anonymous", "-v", "named:/named", "declaring", "true")
    expect(await host.ok("volume", "ls", "-q")).toBe("named")
    await host.ok("volume", "rm", "named")
  })

  it("a removal that was killed takes the anonymous volumes along when it is taken up again", async () => {
    const program = await brokenBuild({
      file: "packages/abi/src/container/erase.ts",
      find: "yield* discardVolumes(record)",
      replace: `yield* Effect.sync(() => { ${dieHere} })`,
    })
    await host.ok("create", "--name", "web", "-v", "/anonymous", "base")
    expect((await host.with(program).run("rm", "-v", "web")).status).toBe(137)
    expect((await host.run("start", "web")).status).toBe(125)
    expect(await host.ok("ps", "-aq")).toBe("")
    expect(await host.ok("volume", "ls", "-q")).toBe("")
  })

  it("a creation that was killed or has failed leaves neither container nor volume", async () => {
    const program = await brokenBuild({
      file: "packages/abi/src/container/create.ts",
      find: "yield* makeContainerDirectories(paths)",
      replace: `yield* Effect.sync(() => { ${dieHere} })`,
    })
    await host.ok("volume", "create", "there")
    const args = ["--name", "web", "-v", "/anonymous", "-v", "named:/named", "-v", "there:/there", "base"]
    expect((await host.with(program).run("create", ...args)).status).toBe(137)
    expect((await host.ok("volume", "ls", "-q")).split("\n")).toHaveLength(3)
    await host.run("start", "web")
    expect(await host.ok("volume", "ls", "-q")).toBe("there")
    await host.ok("create", ...args)
    expect((await host.ok("volume", "ls", "-q")).split("\n")).toHaveLength(3)
    await remove("web")
    await host.ok("volume", "rm", "named", "there")
  })

  it("two containers created at once share the one volume that both name", async () => {
    const created = await Promise.all(
      ["a", "b", "c", "d"].map((name) => host.run("run", "-d", "--name", name, "-v", "vol:/data", "base", ...sleeping)),
    )
    expect(created.map(({ status }) => status)).toEqual([0, 0, 0, 0])
    await inside("a", "echo shared > /data/shared")
    expect(await inside("d", "cat /data/shared /data/image")).toBe("shared\nfrom the image")
    await remove("a", "b", "c", "d")
    await host.ok("volume", "rm", "vol")
  })

  it("a volume with a file system of its own is mounted while a container runs", async () => {
    await host.ok("volume", "create", "-o", "type=tmpfs", "-o", "o=size=1m,uid=7", "memory")
    await host.ok("run", "-d", "--name", "one", "-v", "memory:/m", "base", ...sleeping)
    await host.ok("run", "-d", "--name", "two", "-v", "memory:/m", "base", ...sleeping)
    await inside("one", "echo shared > /m/file")
    expect(await inside("two", "cat /m/file; stat -f -c %T /m; df -k /m | awk 'END { print $2 }'")).toBe(
      "shared\ntmpfs\n1024",
    )
    expect(await host.ok("volume", "inspect", "--format", "{{.MountCount}}", "memory")).toBe("2")
    await host.ok("stop", "-t", "0", "one")
    expect(await inside("two", "cat /m/file")).toBe("shared")
    await remove("two")
    expect((await host.shell(`grep -c ${data("memory")} /proc/self/mountinfo`)).stdout.trim()).toBe("0")
    await remove("one")
    await host.ok("volume", "rm", "memory")
  })

  it("a file system that cannot be mounted is one clear error, and the container has not run", async () => {
    await host.ok("volume", "create", "-o", "type=nosuchfs", "-o", "device=/nowhere", "broken")
    const ran = await host.run("run", "-d", "--name", "web", "-v", "broken:/b", "base", ...sleeping)
    expect([ran.status, ran.stderr]).toEqual([126, expect.stringContaining("Error: mounting volume broken: mount:")])
    expect(await host.ok("ps", "-a", "--format", "{{.Names}} {{.State}}")).toBe("web created")
    await host.ok("rm", "web")
    await host.ok("volume", "rm", "broken")
  })

  it("refuses what Podman refuses, and makes nothing", async () => {
    for (const [args, message] of [
      [["-v", "/nonexist:/a"], "statfs /nonexist: no such file or directory"],
      [["-v", "a:/b", "-v", "c:/b"], "/b: duplicate mount destination"],
      [["-v", "rel/a:/a"], 'creating named volume "rel/a": running volume create option: names must match'],
      [["--mount", "type=bind,dst=/nonexist"], "statfs /nonexist: no such file or directory"],
      [
        ["--volumes-from", "nope"],
        'looking up container "nope" for volumes-from: no container with name or ID "nope" found: no such container',
      ],
    ] as const) {
      expect(await host.run("create", ...args, "base")).toMatchObject({
        status: 125,
        stderr: expect.stringContaining(`Error: ${message}`),
      })
    }
    expect(await host.ok("volume", "ls", "-q")).toBe("")
    expect(await host.ok("ps", "-aq")).toBe("")
  })

  it("bind mounts of directories, files, and one in another", async () => {
    const source = fs.mkdtempSync(`${host.directory}/source-`)
    fs.mkdirSync(`${source}/inner`)
    fs.writeFileSync(`${source}/file`, "a file\n")
    const ran = await host.run(
      "run",
      "--rm",
      "-v",
      `${source}:/b:ro`,
      "-v",
      `${source}/file:/etc/motd`,
      "-v",
      `${source}:/b/inner`,
      "base",
      "sh",
      "-c",
      "cat /b/file /etc/motd /b/inner/file; echo x > /b/inner/new; echo x > /b/no",
    )
    expect(ran.stdout).toBe("a file\na file\na file\n")
    expect(ran.stderr).toContain("Read-only file system")
    expect(fs.existsSync(`${source}/new`)).toBe(true)
  })

  describe("through a checkpoint in place", () => {
    it("volumes, binds, nested ones, files and memory go on as they were", async () => {
      const source = fs.mkdtempSync(`${host.directory}/source-`)
      fs.mkdirSync(`${source}/inner`)
      fs.writeFileSync(`${source}/file`, "a file\n")
      await host.ok(
        "run",
        "-d",
        "--name",
        "web",
        "-v",
        "vol:/data",
        "-v",
        `${source}:/b`,
        "-v",
        `${source}:/b/inner:ro`,
        "-v",
        `${source}/file:/etc/motd`,
        "-v",
        `${source}:/slave:rslave`,
        "--tmpfs",
        "/t:size=2m,mode=700",
        "--tmpfs",
        "/b/inner/inner",
        "declaring",
        "sh",
        "-c",
        `exec 3>>/data/open 4>>/b/open 5>>/t/open; i=0; while :; do echo $i; echo $i >&3; echo $i >&4; echo $i >&5; i=$((i+1)); sleep 0.1; done`,
      )
      await host.beyond("web", 2)
      await inside("web", "echo memory > /t/note; mkdir /t/deep; rm /data/image; echo deeper > /b/inner/inner/note")
      await host.ok("container", "checkpoint", "web")
      await host.ok("container", "restore", "web")
      const last = await host.beyond("web", await host.last("web"))
      expect(
        await inside("web", "cat /t/note /b/inner/inner/note /etc/motd; ls /t; test -e /data/image || echo gone"),
      ).toBe("memory\ndeeper\na file\ndeep\nnote\nopen\ngone")
      for (const open of ["/data/open", "/b/open", "/t/open"]) {
        const numbers = (await inside("web", `cat ${open}`)).split("\n").map(Number)
        expect(numbers).toEqual(numbers.map((_, at) => at))
        expect(numbers.length).toBeGreaterThanOrEqual(last)
      }
      expect((await host.run("exec", "web", "sh", "-c", "echo x > /b/inner/file")).stderr).toContain(
        "Read-only file system",
      )
      await remove("web")
      await host.ok("volume", "rm", "-f", "vol")
    })

    it("a read-only container with memory for temporary files", async () => {
      await host.ok("run", "-d", "--name", "web", "--read-only", "declaring", ...counter)
      await host.beyond("web", 1)
      await inside("web", "echo note > /tmp/note; echo note > /run/note; echo note > /dev/shm/note")
      await host.ok("container", "checkpoint", "web")
      await host.ok("container", "restore", "web")
      await host.beyond("web", await host.last("web"))
      expect(await inside("web", "cat /tmp/note /run/note /dev/shm/note; touch /x || true")).toBe("note\nnote\nnote")
      await remove("web")
    })
  })
})
