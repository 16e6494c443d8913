/** Checkpoint archives: written whole or not at all, read back under the same name and id, and by the tools of others. */
import { execFileSync } from "node:child_process"
import { createHash } from "node:crypto"
import * as fs from "node:fs"
import { join } from "node:path"
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest"
import { startRegistry } from "../../packages/images/test/registries.ts"
import { brokenBuild, dieHere } from "./support/brokenBuild.ts"
import { eventually, Host, project, runCommand } from "./support/Host.ts"
import { leftBehind, lost } from "./support/lost.ts"
import { counter, importBase } from "./support/workloads.ts"

let host: Host
let files = ""
beforeAll(async () => {
  host = await Host.make()
  files = join(host.directory, "files")
  await importBase(host)
})
afterAll(() => host.dispose())
afterEach(async () => {
  await host.ok("rm", "-a", "-f", "-t", "0")
  await host.ok("volume", "rm", "-a")
  await host.shell(`umount -l ${files}/* 2>/dev/null; rm -rf ${files}; mkdir ${files}`)
})
beforeAll(() => fs.mkdirSync(files))

const file = (name: string) => join(files, name)
const counting = async (name = "web", ...options: ReadonlyArray<string>) => {
  await host.ok("run", "-d", "--name", name, ...options, "base", ...counter)
  await host.beyond(name, 1)
}
const idOf = (name: string) => host.inspect(name, "{{.Id}}")
const pidOf = (name: string) => host.inspect(name, "{{.State.Pid}}")
const exporting = (...args: ReadonlyArray<string>) => host.run("container", "checkpoint", ...args)
const importing = (...args: ReadonlyArray<string>) => host.run("container", "restore", "--import", ...args)

const compressions = [
  { compression: "zstd", words: [], magic: "28b52ffd" },
  { compression: "gzip", words: ["--compress", "gzip"], magic: "1f8b" },
  { compression: "none", words: ["-c", "none"], magic: "" },
] as const

it.each(compressions)(
  "$compression: the archive has the form that others read, and the container its name and id",
  async ({ magic, words }) => {
    await counting("web", "-v", "vol:/v")
    await host.ok("exec", "web", "sh", "-c", "echo x > /v/x; echo y > /etc/y; echo z > /dev/shm/z; rm /etc/group")
    const id = await idOf("web")
    expect(await exporting("-e", file("web"), ...words, "web")).toMatchObject({
      status: 0,
      stdout: "web\n",
      stderr: "",
    })
    expect(fs.statSync(file("web")).mode & 0o7777).toBe(0o600)
    expect(
      fs
        .readFileSync(file("web"))
        .subarray(0, magic.length / 2)
        .toString("hex"),
    ).toBe(magic)
    expect(fs.readdirSync(files)).toEqual(["web"])
    const unpacked = file("unpacked")
    fs.mkdirSync(unpacked)
    execFileSync("tar", ["-C", unpacked, "-xaf", "-"], { input: await plain(file("web"), magic) })
    const listed = execFileSync("tar", ["-tf", "-"], {
      input: await plain(file("web"), magic),
      encoding: "utf8",
    }).split("\n")
    // documents come before memory, and every directory has an entry of its own
    expect(listed).toEqual(
      expect.arrayContaining(["checkpoint/", "volumes/", "config.dump", "spec.dump", "network.status"]),
    )
    expect(listed.indexOf("config.dump")).toBeLessThan(listed.indexOf("checkpoint/"))
    for (const inner of ["rootfs-diff.tar", "devshm-checkpoint.tar", "volumes/vol.tar"]) {
      expect(execFileSync("tar", ["-tf", join(unpacked, inner)], { encoding: "utf8" })).toMatch(/[xyz]\n/)
      expect(fs.readFileSync(join(unpacked, inner)).subarray(257, 262).toString()).toBe("ustar")
    }
    expect(JSON.parse(fs.readFileSync(join(unpacked, "spec.dump"), "utf8"))).toMatchObject({
      annotations: { "io.container.manager": "libpod" },
    })
    // Podman 6 reads the one, Podman 4 and 5 the other
    expect(JSON.parse(fs.readFileSync(join(unpacked, "config.dump"), "utf8"))).toMatchObject({
      newNetworks: { podman: {} },
      orderedNetworks: [{ name: "podman" }],
    })
    expect(JSON.parse(fs.readFileSync(join(unpacked, "deleted.files"), "utf8"))).toEqual(["/etc/group"])

    await host.ok("rm", "web")
    await host.ok("volume", "rm", "vol")
    expect(await importing(file("web"))).toMatchObject({ status: 0, stdout: `${id}\n`, stderr: "" })
    expect(await lost(host, "web")).toEqual([])
    expect(
      await host.ok("exec", "web", "sh", "-c", "cat /v/x /etc/y /dev/shm/z; test -e /etc/group || echo gone"),
    ).toBe("x\ny\nz\ngone")
    expect(await leftBehind(host)).toEqual([])
  },
)

/** The archive as it was before it was compressed. */
const plain = async (path: string, magic: string) => {
  if (magic === "") return fs.readFileSync(path)
  return execFileSync(magic === "1f8b" ? "gzip" : "zstd", ["-dc", path], { maxBuffer: 1 << 28 })
}

it("another name makes another container, beside the one that runs on", async () => {
  await counting()
  await host.ok("container", "checkpoint", "--leave-running", "-e", file("web"), "web")
  const clone = await importing(file("web"), "--name", "clone")
  expect([clone.status, clone.stdout.trim()]).toEqual([0, await idOf("clone")])
  expect(await idOf("clone")).not.toBe(await idOf("web"))
  expect([await lost(host, "web"), await lost(host, "clone")]).toEqual([[], []])
  for (const [args, text] of [
    [[], new RegExp(await idOf("web"))],
    [["--name", "web"], /the container name "web" is already in use/],
  ] as const) {
    const again = await importing(file("web"), ...args)
    expect([again.status, again.stderr]).toEqual([125, expect.stringMatching(text)])
  }
})

it("a file that is there is replaced as a whole, and so is what a link leads to", async () => {
  await counting()
  fs.writeFileSync(file("old"), Buffer.alloc(16 << 20, "stale"), { mode: 0o644 })
  fs.symlinkSync("old", file("link"))
  await host.ok("container", "checkpoint", "-e", file("link"), "web")
  expect(fs.lstatSync(file("link")).isSymbolicLink()).toBe(true)
  const { mode, size } = fs.statSync(file("old"))
  expect([mode & 0o777, size < 4 << 20]).toEqual([0o600, true])
  await host.ok("rm", "web")
  await host.ok("container", "restore", "-i", file("old"))
  expect(await lost(host, "web")).toEqual([])
})

describe("what cannot be written leaves the container running, and nothing behind", () => {
  const undisturbed = async (pid: string) => {
    expect(await pidOf("web")).toBe(pid)
    expect([await lost(host, "web"), await leftBehind(host)]).toEqual([[], []])
  }

  it("P4: a place that cannot be written to is refused before the freeze", async () => {
    await counting()
    const pid = await pidOf("web")
    await host.shell(`mkdir ${file("ro")}; mount -t tmpfs -o ro tmpfs ${file("ro")}`)
    for (const [path, text] of [
      [file("nowhere/web.tar"), "no such file or directory"],
      [files, "is a directory"],
      [file("ro/web.tar"), "read-only file system"],
      ["/proc/web.tar", "no such file or directory"],
    ] as const) {
      const ran = await exporting("-e", path, "web")
      expect([ran.status, ran.stdout, ran.stderr]).toEqual([125, "", expect.stringContaining(path)])
      expect(ran.stderr).toContain(text)
    }
    await host.shell(`umount ${file("ro")}`)
    await undisturbed(pid)
  })

  it("P4: a disk that is full is found before the freeze, or the container goes on from its dump", async () => {
    await counting("web", "-v", "vol:/v")
    const pid = await pidOf("web")
    await host.shell(`mkdir ${file("small")}; mount -t tmpfs -o size=1m tmpfs ${file("small")}`)
    await host.shell(`echo old > ${file("small/web.tar")}`)
    const refused = await exporting("-c", "none", "-e", file("small/web.tar"), "web")
    expect([refused.status, refused.stderr]).toEqual([125, expect.stringContaining(file("small"))])
    await undisturbed(pid)
    // nobody knows how big a compressed one will be
    execFileSync("dd", ["if=/dev/urandom", `of=${host.path("volumes/vol/_data/big")}`, "bs=1M", "count=4"], {
      stdio: "ignore",
    })
    const aborted = await exporting("-e", file("small/web.tar"), "web")
    expect([aborted.status, aborted.stderr]).toEqual([125, expect.stringContaining("the container runs on")])
    expect(aborted.stderr).toContain("no space left on device")
    expect([await lost(host, "web"), await leftBehind(host)]).toEqual([[], []])
    expect((await host.shell(`ls -A ${file("small")}; cat ${file("small/web.tar")}`)).stdout).toBe("web.tar\nold\n")
  })

  it("P3: several containers and one file are refused before any of them stands still", async () => {
    await counting("one")
    await counting("two")
    const pids = [await pidOf("one"), await pidOf("two")]
    for (const args of [["one", "two"], ["--all"]]) {
      const ran = await exporting("-e", file("both.tar"), ...args)
      expect([ran.status, ran.stderr]).toEqual([
        125,
        expect.stringContaining("2 containers cannot be checkpointed into one target"),
      ])
    }
    expect([await pidOf("one"), await pidOf("two")]).toEqual(pids)
    expect(fs.readdirSync(files)).toEqual([])
  })

  it("an exporter that is killed leaves no archive, and the next one sweeps what it had begun", async () => {
    const killed = await brokenBuild({
      file: "packages/abi/src/checkpoint/commitArchive.ts",
      find: "yield* output.complete",
      replace: `yield* Effect.sync(() => { ${dieHere} })`,
    })
    await counting()
    expect((await host.with(killed).run("container", "checkpoint", "-e", file("web"), "web")).status).toBe(137)
    expect(fs.readdirSync(files)).toEqual([expect.stringMatching(/^\.cryopod-/)])
    expect(await host.ok("container", "restore", "web")).toBe("web")
    expect(await lost(host, "web")).toEqual([])
    await host.ok("container", "checkpoint", "-e", file("web"), "web")
    expect(fs.readdirSync(files)).toEqual(["web"])
    expect(await leftBehind(host)).toEqual([])
  })
})

it("memory is constant, however much there is to write and to read", async () => {
  await counting("web", "-v", "vol:/v")
  const mebibytes = 300
  execFileSync("dd", ["if=/dev/urandom", `of=${host.path("volumes/vol/_data/big")}`, "bs=1M", `count=${mebibytes}`], {
    stdio: "ignore",
  })
  const sum = (await host.shell(`md5sum < ${host.path("volumes/vol/_data/big")}`)).stdout
  const ran = await exporting("-e", file("web"), "web")
  expect([ran.status, fs.statSync(file("web")).size > mebibytes << 20]).toEqual([0, true])
  await host.ok("rm", "web")
  await host.ok("volume", "rm", "vol")
  const back = await importing(file("web"))
  expect(back.status).toBe(0)
  expect((await host.shell(`md5sum < ${host.path("volumes/vol/_data/big")}`)).stdout).toBe(sum)
  for (const { peakBytes } of [ran, back]) {
    expect(peakBytes).toBeGreaterThan(10 << 20)
    expect(peakBytes).toBeLessThan(256 << 20)
  }
})

it("volumes and files go straight into the archive: there is no room to put them aside", async () => {
  // what is left is less than they take
  const directory = file("narrow")
  await host.shell(`mkdir ${directory}; mount -t tmpfs -o size=160m tmpfs ${directory}`)
  const narrow = await Host.make({ directory })
  try {
    await importBase(narrow)
    await narrow.ok("run", "-d", "--name", "web", "-v", "vol:/v", "base", ...counter)
    await narrow.beyond("web", 1)
    for (const place of ["/v/big", "/big"])
      await narrow.ok("exec", "web", "dd", "if=/dev/urandom", `of=${place}`, "bs=1M", "count=50")
    const ran = await narrow.run("container", "checkpoint", "-c", "none", "-e", file("web"), "web")
    expect([ran.status, ran.stderr]).toEqual([0, ""])
    expect(fs.statSync(file("web")).size).toBeGreaterThan(100 << 20)
    expect(await leftBehind(narrow)).toEqual([])
  } finally {
    await narrow.run("rm", "-a", "-f", "-t", "0")
    await narrow.dispose().catch(() => undefined)
  }
})

it("checkpointctl shows and inspects what is ours", async () => {
  const peer = join(project, "scripts/peer")
  const built = await runCommand([peer, "build"])
  if (built.status !== 0) throw new Error(built.stderr)
  await counting()
  await host.ok("container", "checkpoint", "-e", file("web.tar.zst"), "web")
  const ran = await runCommand([
    "env",
    `PEER_SHARE=${files}`,
    peer,
    "enter",
    "sh",
    "-c",
    "checkpointctl show /share/web.tar.zst && checkpointctl inspect --ps-tree --stats --mounts --files /share/web.tar.zst",
  ])
  expect([ran.status, ran.stderr]).toEqual([0, ""])
  expect(ran.stdout).toMatch(/web.*Podman/)
  expect(ran.stdout).toContain("[1]  sh")
  expect(ran.stdout).toContain("Memdump time")
})

describe("what does not fit is one error, and changes nothing", () => {
  it("a checkpoint of another runtime, a base image that is not there, and one whose name has moved on", async () => {
    await counting()
    await host.ok("container", "checkpoint", "-e", file("web"), "web")
    await host.ok("rm", "web")
    const other = await host.shell(
      host
        .command(["container", "restore", "-i", file("web")])
        .join(" ")
        .replace("--runtime runc", "--runtime crun"),
    )
    expect([other.status, other.stderr]).toEqual([
      125,
      `Error: checkpoint archive ${file("web")} was created with runtime 'runc' and cannot be restored with runtime 'crun'\n`,
    ])
    // the same name, another image
    const elsewhere = await Host.make({ cgroups: "v2" })
    try {
      await importBase(elsewhere, (rootfs) => fs.writeFileSync(join(rootfs, "etc/other"), "other\n"))
      const missing = await elsewhere.run("container", "restore", "-i", file("web"))
      expect([missing.status, missing.stdout]).toEqual([125, ""])
      expect(missing.stderr).toMatch(
        /^Error: base image localhost\/base:latest \([0-9a-f]{12}\) of the checkpoint: is not in the store and cannot be pulled: .*\n$/,
      )
      expect([await elsewhere.ok("ps", "-aq"), await leftBehind(elsewhere)]).toEqual(["", []])
    } finally {
      await elsewhere.dispose()
    }
    expect([await host.ok("ps", "-aq"), await leftBehind(host)]).toEqual(["", []])
  })

  it("an image of another runtime, and one of another architecture", async () => {
    await counting()
    await host.ok("container", "checkpoint", "--create-image", "frozen", "web")
    await host.ok("rm", "web")
    const crun = (...args: ReadonlyArray<string>) =>
      host.shell(host.command(args).join(" ").replace("--runtime runc", "--runtime crun"))
    expect(await crun("container", "restore", "frozen")).toMatchObject({
      status: 125,
      stderr: 'Error: container image "frozen" requires runtime: "runc" and cannot be restored with runtime "crun"\n',
    })
    const layout = file("layout")
    await host.ok("save", "--format", "oci-dir", "-o", layout, "frozen")
    const index = JSON.parse(fs.readFileSync(join(layout, "index.json"), "utf8")) as {
      readonly manifests: Array<{ digest: string; size: number }>
    }
    const [descriptor] = index.manifests
    if (descriptor === undefined) throw new Error("there is no image")
    const blob = (digest: string) => join(layout, "blobs/sha256", digest.slice("sha256:".length))
    const manifest = fs
      .readFileSync(blob(descriptor.digest), "utf8")
      .replaceAll(/("[^"]*host\.arch":)"\w+"/g, '$1"s390x"')
    descriptor.digest = `sha256:${createHash("sha256").update(manifest).digest("hex")}`
    descriptor.size = manifest.length
    fs.writeFileSync(blob(descriptor.digest), manifest)
    fs.writeFileSync(join(layout, "index.json"), JSON.stringify(index))
    await host.ok("rmi", "frozen")
    await host.ok("load", "-i", layout)
    expect(await host.run("container", "restore", "frozen")).toMatchObject({
      status: 125,
      stderr: expect.stringMatching(/^Error: checkpoint frozen was made on s390x and cannot be restored on \w+\n$/),
    })
    expect([await host.ok("ps", "-aq"), await leftBehind(host)]).toEqual(["", []])
    await host.ok("rmi", "frozen")
  })

  it("P17: a base image whose name has moved on is pulled by its digest", async () => {
    const registry = await startRegistry()
    const here = await Host.make({ network: "machine" })
    try {
      // which registries speak plain HTTP, the host says
      const home = join(here.directory, "home")
      fs.mkdirSync(join(home, ".config/containers"), { recursive: true })
      fs.writeFileSync(
        join(home, ".config/containers/registries.conf"),
        `[[registry]]\nlocation = "${registry.address}"\ninsecure = true\n`,
      )
      const base = `${registry.address}/base:1`
      const publish = async (name: string) => {
        await here.ok("tag", name, base)
        await here.ok("push", "--tls-verify=false", base)
        await here.ok("rmi", base, name)
      }
      await importBase(here)
      await publish("base")
      await here.ok("pull", "--tls-verify=false", base)
      await here.ok("run", "-d", "--network", "none", "--name", "web", base, ...counter)
      await here.beyond("web", 1)
      await here.ok("container", "checkpoint", "-e", file("web"), "web")
      await here.ok("rm", "web")
      await here.ok("rmi", base)
      await importBase(here, (rootfs) => fs.writeFileSync(join(rootfs, "etc/other"), "other\n"), "other")
      await publish("other")
      const restored = await here.shell(
        `HOME=${home} ${here.command(["container", "restore", "-i", file("web")]).join(" ")}`,
      )
      expect([restored.status, restored.stderr]).toEqual([0, ""])
      expect(await lost(here, "web")).toEqual([])
      // without a digest there is only the name, and one clear error
      await here.ok("rm", "-f", "-t", "0", "web")
      await here.ok("rmi", "-a", "-f")
      const stale = file("stale")
      execFileSync("sh", [
        "-c",
        `mkdir ${stale}; zstd -dcq ${file("web")} | tar -x -C ${stale}; sed -i /rootfsImageDigest/d ${stale}/config.dump; tar -cf ${stale}.tar -C ${stale} .`,
      ])
      const refused = await here.shell(
        `HOME=${home} ${here.command(["container", "restore", "-i", `${stale}.tar`]).join(" ")}`,
      )
      expect([refused.status, refused.stderr]).toEqual([
        125,
        expect.stringMatching(
          /^Error: base image \S+ \([0-9a-f]{12}\) of the checkpoint: the name now leads to another image \([0-9a-f]{12}\)\n$/,
        ),
      ])
      expect(await here.ok("images", "-q")).toBe("")
    } finally {
      await here.dispose()
      await registry.stop()
    }
  })

  it("a container wins over an image of its name", async () => {
    await counting()
    await host.ok("container", "checkpoint", "-R", "--create-image", "web", "web")
    await host.ok("container", "checkpoint", "web")
    const counted = await host.last("web")
    expect(await host.run("container", "restore", "web")).toMatchObject({ status: 0, stdout: "web\n" })
    await eventually(async () => ((await host.last("web")) > counted ? true : undefined), "the container")
    expect((await host.ok("ps", "-aq")).split("\n")).toHaveLength(1)
    await host.ok("rmi", "web")
  })
})
