/**
 * A checkpoint from elsewhere gets what the policy gives and nothing more; whatever it asks for beyond that is refused
 * before any process exists. What was made here comes back as it left.
 */
import { execFileSync, spawn } from "node:child_process"
import * as fs from "node:fs"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { endOfTar, type HeaderOf, tarHeader } from "../../packages/archive/test/tarHeader.ts"
import {
  bytesSource,
  type EntryOf,
  imageEntries,
  type ImageKind,
  imageKinds,
  Protobuf,
} from "../../packages/criu/src/index.ts"
import { standardCapabilities } from "../../packages/entities/src/index.ts"
import { type Registry, startRegistry } from "../../packages/images/test/registries.ts"
import { eventually, Host, type Ran, runCommand } from "./support/Host.ts"
import { counter, importBase } from "./support/workloads.ts"

/** Two hosts with the same base image: one that makes checkpoints, and one to which they are foreign. */
let maker: Host
let taker: Host
/** The archive of a container that asks for nothing special, and its members. */
let plain = ""
let members = ""

beforeAll(async () => {
  maker = await Host.make()
  taker = await Host.make()
  await importBase(maker)
  const base = join(maker.directory, "base-image.tar")
  await maker.ok("save", "-o", base, "base")
  await taker.ok("load", "-i", base)
  plain = await exported("web")
  members = join(maker.directory, "members")
  fs.mkdirSync(members)
  execFileSync("tar", ["-C", members, "-xf", plain])
})
afterAll(async () => {
  await maker.dispose()
  await taker.dispose()
})

/** A container's archive; the container is gone. */
const exported = async (name: string, ...options: ReadonlyArray<string>): Promise<string> => {
  const archive = join(maker.directory, `${name}.tar`)
  await maker.ok("run", "-d", "--network", "none", "--name", name, ...options, "base", ...counter)
  await maker.beyond(name, 1)
  await maker.ok("container", "checkpoint", "-e", archive, "-c", "none", name)
  await maker.ok("rm", name)
  return archive
}

/** The plain archive with something changed. */
const crafted = (change: (directory: string) => void): string => {
  const directory = fs.mkdtempSync(join(taker.directory, "crafted."))
  fs.cpSync(members, directory, { recursive: true })
  change(directory)
  const archive = `${directory}.tar`
  execFileSync("tar", ["-C", directory, "-cf", archive, "."])
  return archive
}

const restored = (host: Host, archive: string, ...options: ReadonlyArray<string>): Promise<Ran> =>
  host.run("container", "restore", "-i", archive, ...options)

const expectNothing = async (host: Host) => {
  expect(await host.ok("ps", "-a", "-q")).toBe("")
  expect(fs.readdirSync(host.path("containers"))).toEqual([])
}

interface Spec {
  readonly process: Record<string, unknown>
  readonly mounts: Array<Record<string, unknown>>
  annotations: Record<string, string>
  hooks?: unknown
  readonly linux: Record<string, unknown>
}

const inSpec = (change: (spec: Spec) => void) => (directory: string) => {
  const path = join(directory, "spec.dump")
  const spec = JSON.parse(fs.readFileSync(path, "utf8")) as Spec
  change(spec)
  fs.writeFileSync(path, JSON.stringify(spec))
}

/** Every entry of the image files whose names match. */
const inImages =
  <K extends ImageKind>(kind: K, files: RegExp, change: (entry: EntryOf<K>) => object) =>
  (directory: string) => {
    const images = join(directory, "checkpoint")
    for (const name of fs.readdirSync(images).filter((one) => files.test(one))) {
      const path = join(images, name)
      const bytes = fs.readFileSync(path)
      const begin = kind === "inventory" ? 4 : 8
      const parts: Array<Uint8Array> = [bytes.subarray(0, begin)]
      for (const { message, table } of imageEntries(bytesSource(bytes), kind)) {
        const changed = Protobuf.encode(
          change(Protobuf.decode(message, table) as EntryOf<K>) as never,
          imageKinds[kind].entry as never,
        )
        const size = Buffer.alloc(4)
        size.writeUInt32LE(changed.length)
        parts.push(size, changed)
      }
      fs.writeFileSync(path, Buffer.concat(parts))
    }
  }

/** One changed file in place of all. */
const replaceChanges = (directory: string, member: Partial<HeaderOf>) => {
  const whole: HeaderOf = {
    name: "",
    type: "file",
    sizeBytes: 0,
    linkName: "",
    mode: 0o755,
    uid: 0,
    gid: 0,
    modified: "0",
    device: { major: 0, minor: 0 },
    records: new Map(),
    ...member,
  }
  fs.writeFileSync(join(directory, "rootfs-diff.tar"), Buffer.concat([tarHeader(whole), endOfTar()]))
}

const everything = [0xffff_ffff, 0x1ff]

const crimes: ReadonlyArray<readonly [name: string, change: (directory: string) => void, said: RegExp]> = [
  [
    "all capabilities in the images alone",
    inImages("core", /^core-/, (core) => ({
      ...core,
      thread_core: {
        ...core.thread_core,
        creds: { ...core.thread_core?.creds, cap_eff: everything, cap_prm: everything, cap_bnd: everything },
      },
    })),
    /process 1 \(sh\), \d+ \(sleep\): all effective capabilities/,
  ],
  [
    "all capabilities in the configuration too",
    inSpec(({ process }) => {
      process["capabilities"] = { bounding: ["CAP_SYS_ADMIN"], effective: ["CAP_SYS_ADMIN"], ambient: ["CAP_NET_RAW"] }
    }),
    /configuration: bounding CAP_SYS_ADMIN[^]*configuration: ambient CAP_NET_RAW/,
  ],
  [
    "no seccomp filter where the configuration has one",
    inSpec(({ linux }) => {
      linux["seccomp"] = { defaultAction: "SCMP_ACT_ALLOW" }
    }),
    /no seccomp filter: the configuration has one/,
  ],
  [
    "no no_new_privs where the configuration has it",
    inSpec(({ process }) => {
      process["noNewPrivileges"] = true
    }),
    /no no_new_privs/,
  ],
  [
    "root with all capabilities and no seccomp filter, where the configuration wants one",
    (directory) => {
      inImages("core", /^core-/, (core) => ({
        ...core,
        thread_core: {
          ...core.thread_core,
          creds: { ...core.thread_core?.creds, uid: 0, euid: 0, cap_eff: everything, cap_prm: everything },
        },
      }))(directory)
      inSpec(({ linux, process }) => {
        linux["seccomp"] = { defaultAction: "SCMP_ACT_ERRNO" }
        process["user"] = { uid: 1000, gid: 1000 }
      })(directory)
    },
    /all effective capabilities[^]*no seccomp filter: the configuration has one/,
  ],
  [
    "a bind mount of the host",
    inSpec(({ mounts }) => {
      mounts.push({ destination: "/host", type: "bind", source: "/etc", options: ["rbind"] })
    }),
    /bind mount of \/etc on \/host: it is a file or directory of the host/,
  ],
  [
    "a disk of the host in the configuration",
    inSpec(({ mounts }) => {
      mounts.push({ destination: "/host", type: "ext4", source: "/dev/vda", options: [] })
    }),
    /a file system of type ext4 from \/dev\/vda/,
  ],
  [
    "a disk of the host in the images",
    inImages("mnts", /^mountpoints-/, (mount) =>
      mount.mountpoint === "/dev/mqueue"
        ? { ...mount, fstype: 16, fsname: "ext4", source: "/dev/vda", options: "" }
        : mount,
    ),
    /mount on \/dev\/mqueue: a file system from "\/dev\/vda"/,
  ],
  [
    "another proc over the protected one",
    inImages("mnts", /^mountpoints-/, (mount) =>
      mount.mountpoint === "/dev/mqueue" ? { ...mount, fstype: 1, source: "proc", mountpoint: "/tmp" } : mount,
    ),
    /mount on \/tmp: a mount of proc: the configuration has no such mount/,
  ],
  [
    "a writable /proc/sys",
    inImages("mnts", /^mountpoints-/, (mount) => (mount.mountpoint === "/proc/sys" ? { ...mount, flags: 0 } : mount)),
    /mount on \/proc\/sys: is writable/,
  ],
  [
    "a device in the configuration",
    inSpec(({ linux }) => {
      linux["devices"] = [{ path: "/dev/vda", type: "b", major: 254, minor: 0 }]
      linux["resources"] = { devices: [{ allow: true, type: "b", major: 254, minor: 0, access: "rwm" }] }
    }),
    /device \/dev\/vda[^]*device b 254:0/,
  ],
  [
    "a device among the changed files",
    (directory) => {
      replaceChanges(directory, { name: "dev-disk", type: "block-device", device: { major: 254, minor: 0 } })
    },
    /device rootfs-diff\.tar: dev-disk/,
  ],
  [
    "a hook",
    inSpec((spec) => {
      spec.hooks = { poststart: [{ path: "/bin/sh", args: ["sh", "-c", "touch /tmp/cryopod-hooked"] }] }
    }),
    /OCI hook poststart: it is a program that the host runs/,
  ],
  [
    "a configuration of CRIU",
    inSpec(({ annotations }) => {
      annotations["org.criu.config"] = "/tmp/criu.conf"
    }),
    /annotation org\.criu\.config/,
  ],
  [
    "the host's mount namespace in the images",
    inImages("ids", /^ids-/, (ids) => ({ ...ids, mnt_ns_id: 6, pid_ns_id: 1 })),
    /the pid namespace of the host[^]*the mount namespace of the host/,
  ],
  [
    "the host's network in the configuration",
    inSpec((spec) => {
      const namespaces = spec.linux["namespaces"] as ReadonlyArray<{ readonly type: string }>
      spec.linux["namespaces"] = namespaces.filter(({ type }) => type !== "network")
    }),
    /the network namespace of the host/,
  ],
  [
    "a mount point that crun takes apart",
    inSpec(({ mounts }) => {
      mounts.push({ destination: "/x]:/etc", type: "tmpfs", source: "tmpfs", options: [] })
    }),
    /a mount on "\/x\]:\/etc"/,
  ],
  [
    "a mount point behind a symbolic link",
    (directory) => {
      replaceChanges(directory, { name: "run", type: "symlink", linkName: "/var" })
    },
    /mount on \/run\/\.containerenv: \/run is a symbolic link/,
  ],
]

describe("from elsewhere", () => {
  it("what asks for nothing special goes on", async () => {
    const ran = await restored(taker, plain)
    expect([ran.status, ran.stderr.replaceAll(/.*restored by a runc with a known hole.*\n/g, "")]).toEqual([0, ""])
    await taker.beyond("web", await taker.last("web"))
    await taker.ok("rm", "-ft0", "web")
  })

  it.each(crimes)("%s is refused", async (_, change, said) => {
    const ran = await restored(taker, crafted(change))
    expect([ran.status, ran.stdout]).toEqual([125, ""])
    expect(ran.stderr).toMatch(said)
    expect(ran.stderr).toContain("was not made here and asks for more than the policy allows, nothing was restored")
    await expectNothing(taker)
  })

  it("all that is wrong is said at once", async () => {
    const archive = crafted((directory) => {
      for (const [name, change] of crimes) if (/hook|bind|namespace/.test(name)) change(directory)
    })
    const { stderr } = await restored(taker, archive)
    expect(stderr.split("\n").filter((line) => line.startsWith("    → ")).length).toBeGreaterThan(3)
  })
})

describe("a container that may do more", () => {
  let archive = ""
  beforeAll(async () => {
    archive = await exported("mighty", "--cap-add", "SYS_ADMIN")
  })

  it("goes on where it was made, as it left", async () => {
    expect((await restored(maker, archive)).stderr).toBe("")
    expect(await maker.ok("exec", "mighty", "sh", "-c", "grep CapEff /proc/1/status")).toMatch(
      /CapEff:\t00000000802.05fb/,
    )
    await maker.ok("rm", "-ft0", "mighty")
  })

  it("is a stranger there too when one bit of its memory is another", async () => {
    const bytes = fs.readFileSync(archive)
    const at = bytes.indexOf("i=0; while :; do", bytes.indexOf("/pages-1.img"))
    bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at)
    fs.writeFileSync(`${archive}.changed`, bytes)
    expect((await restored(maker, `${archive}.changed`)).stderr).toContain("configuration: bounding CAP_SYS_ADMIN")
    await expectNothing(maker)
  })

  it("is refused elsewhere, but by a policy that has them", async () => {
    const refused = await restored(taker, archive)
    expect([refused.status, refused.stderr]).toEqual([
      125,
      expect.stringMatching(/process 1 \(sh\), \d+ \(sleep\): effective CAP_SYS_ADMIN/),
    ])
    await expectNothing(taker)
    const policy = join(taker.directory, "policy.json")
    fs.writeFileSync(policy, JSON.stringify({ capabilities: [...standardCapabilities, "sys_admin"] }))
    for (const word of ["trusted", "none", policy]) {
      const ran = await restored(taker, archive, "--policy", word)
      expect([word, ran.status]).toEqual([word, 0])
      await taker.ok("rm", "-ft0", "mighty")
    }
  })

  it("a policy that cannot be read is refused", async () => {
    const policy = join(taker.directory, "wrong.json")
    fs.writeFileSync(policy, JSON.stringify({ capability: ["ALL"] }))
    for (const [word, said] of [
      [policy, /--policy is no policy: .*capability/],
      [`${policy}.missing`, /read policy .*: no such file/],
      ['{"capabilities":["CAP_MAGIC"]}', /there is no capability CAP_MAGIC/],
    ] as const) {
      const ran = await restored(taker, archive, "--policy", word)
      expect([ran.status, ran.stderr]).toEqual([125, expect.stringMatching(said)])
    }
  })
})

it("an image that went away and came back is known again, and a stranger elsewhere", async () => {
  await maker.ok("run", "-d", "--network", "none", "--name", "raw", "--cap-add", "NET_RAW", "base", ...counter)
  await maker.beyond("raw", 1)
  await maker.ok("container", "checkpoint", "--create-image", "raw:1", "raw")
  const saved = join(maker.directory, "raw.tar")
  await maker.ok("save", "--format", "oci-archive", "-o", saved, "raw:1")
  await maker.ok("rm", "raw")
  await maker.ok("rmi", "raw:1")
  for (const host of [maker, taker]) await host.ok("load", "-i", saved)
  await maker.ok("container", "restore", "raw:1")
  const refused = await taker.run("container", "restore", "raw:1")
  expect([refused.status, refused.stderr]).toEqual([125, expect.stringContaining("bounding CAP_NET_RAW")])
  await taker.ok("container", "restore", "--policy", "trusted", "raw:1")
  await maker.ok("rm", "-ft0", "raw")
  await taker.ok("rm", "-ft0", "raw")
})

it("an archive made here is known by the file that it is, and by its bytes when it is another one", async () => {
  const archive = await exported("known", "--cap-add", "NET_RAW")
  const moved = join(maker.directory, "moved.tar")
  const copied = join(maker.directory, "copied.tar")
  const thaws = async (path: string) => {
    const ran = await restored(maker, path)
    if (ran.status === 0) await maker.ok("rm", "-ft0", "known")
    return [ran.status, ran.stderr]
  }
  const refused = [125, expect.stringContaining("bounding CAP_NET_RAW")]
  expect(await thaws(archive)).toEqual([0, ""])
  fs.copyFileSync(archive, copied)
  fs.renameSync(archive, moved)
  expect(await thaws(moved)).toEqual([0, ""])
  expect(await thaws(copied)).toEqual([0, ""])
  // a byte of the memory, which no member's description notices; the times are what they were
  const { atime, mtime, size } = fs.statSync(copied)
  const file = fs.openSync(copied, "r+")
  const at = size - 20_000
  const byte = Buffer.alloc(1)
  fs.readSync(file, byte, 0, 1, at)
  fs.writeSync(file, Buffer.from([(byte[0] ?? 0) ^ 1]), 0, 1, at)
  fs.closeSync(file)
  fs.utimesSync(copied, atime, mtime)
  expect(await thaws(copied)).toEqual(refused)
  // in the place of one that is known
  fs.copyFileSync(moved, archive)
  fs.renameSync(copied, moved)
  expect(await thaws(moved)).toEqual(refused)
  expect(await thaws(archive)).toEqual([0, ""])
})

describe("a policy for where a checkpoint comes from", () => {
  let registry: Registry
  /** Hosts in this machine's network, where the registry is. */
  let here: Host
  let there: Host
  let directory = ""
  let file = ""
  beforeAll(async () => {
    registry = await startRegistry()
    here = await Host.make({ network: "machine" })
    there = await Host.make({ network: "machine" })
    directory = join(there.directory, "checkpoints")
    file = join(there.directory, "policy.json")
    fs.mkdirSync(directory)
    await importBase(here)
    const base = join(here.directory, "base-image.tar")
    await here.ok("save", "-o", base, "base")
    await there.ok("load", "-i", base)
    await here.ok("run", "-d", "--network", "none", "--name", "raw", "--cap-add", "NET_RAW", "base", ...counter)
    await here.beyond("raw", 1)
    await here.ok("container", "checkpoint", "--leave-running", "-e", join(directory, "raw.tar"), "raw")
    const name = `${registry.address}/team/raw:1`
    await here.ok("container", "checkpoint", "--create-image", name, "raw")
    await here.ok("push", "--tls-verify=false", name)
    await here.ok("save", "--format", "oci-archive", "-o", join(directory, "raw-image.tar"), name)
  })
  afterAll(async () => {
    await here.dispose()
    await there.dispose()
    await registry.stop()
  })

  const told = (policies: unknown, ...words: ReadonlyArray<string>) => {
    fs.writeFileSync(file, typeof policies === "string" ? policies : JSON.stringify(policies))
    return runCommand(["env", `CRYOPOD_POLICY=${file}`, ...there.command(words)])
  }

  it("is that of the archive's directory, and the caller's own word comes first", async () => {
    const archive = join(directory, "raw.tar")
    const restoring = ["container", "restore", "-i", archive]
    const trusted = { archives: { [directory]: "trusted" } }
    const link = join(directory, "raw-link.tar")
    const outside = join(there.directory, "raw-outside.tar")
    fs.copyFileSync(archive, outside)
    fs.symlinkSync(outside, link)
    for (const words of [
      ["container", "restore", "-i", outside],
      ["container", "restore", "-i", link],
      [...restoring, "--policy", "default"],
    ]) {
      const refused = await told(trusted, ...words)
      expect([words, refused.status, refused.stderr]).toEqual([
        words,
        125,
        expect.stringContaining("bounding CAP_NET_RAW"),
      ])
    }
    expect(JSON.parse((await told(trusted, "checkpoint", "check", "--format", "json", archive)).stdout)).toMatchObject({
      thaws: true,
      findings: expect.arrayContaining([
        expect.objectContaining({ aspect: "policy", found: `keeps to that of ${directory}` }),
      ]),
    })
    expect((await told(trusted, ...restoring)).status).toBe(0)
    await there.beyond("raw", await there.last("raw"))
    await there.ok("rm", "-ft0", "raw")
  })

  it("is that of the registry an image was pulled from, whatever an image from elsewhere is called", async () => {
    const name = `${registry.address}/team/raw:1`
    const trusted = { images: { [`${registry.address}/team`]: "trusted" } }
    await there.ok("load", "-i", join(directory, "raw-image.tar"))
    const refused = await told(trusted, "container", "restore", name)
    expect([refused.status, refused.stderr]).toEqual([125, expect.stringContaining("bounding CAP_NET_RAW")])
    await there.ok("rmi", name)
    await there.ok("pull", "--tls-verify=false", name)
    expect(
      (await told({ images: { [`${registry.address}/other`]: "trusted" } }, "container", "restore", name)).status,
    ).toBe(125)
    const restored = await told(trusted, "container", "restore", name)
    expect([restored.status, restored.stdout]).toEqual([0, expect.stringMatching(/^[0-9a-f]{64}$/m)])
    await there.ok("rm", "-ft0", "raw")
  })

  it("a service answers for its own host: the caller need not say anything", async () => {
    fs.writeFileSync(file, JSON.stringify({ default: "trusted" }))
    const socket = join(there.directory, "policy.sock")
    const words = [
      "env",
      `CRYOPOD_POLICY=${file}`,
      ...there.command(["system", "service", "--time", "0", `unix://${socket}`]),
    ]
    const service = spawn(words[0] ?? "", words.slice(1), { stdio: "ignore" })
    try {
      await eventually(async () => (fs.existsSync(socket) ? true : undefined), "the service")
      const archive = join(directory, "raw.tar")
      const far = (...rest: ReadonlyArray<string>) =>
        here.run("--url", `unix://${socket}`, "container", "restore", ...rest, "-i", archive)
      expect(await far("--policy", "default")).toMatchObject({ status: 125 })
      expect(await far()).toMatchObject({ status: 0 })
      await there.ok("rm", "-ft0", "raw")
    } finally {
      service.kill()
    }
  })

  it("a file that cannot be understood, or that is named and not there, restores nothing", async () => {
    const restoring = ["container", "restore", "-i", join(directory, "raw.tar")]
    const wrong = await told('{"archives":{"checkpoints":"trusted"}}', ...restoring)
    expect([wrong.status, wrong.stderr]).toEqual([
      125,
      `Error: policy file ${file}: archives: "checkpoints" is not an absolute path of a directory\n`,
    ])
    const missing = await runCommand(["env", `CRYOPOD_POLICY=${file}.none`, ...there.command(restoring)])
    expect([missing.status, missing.stderr]).toEqual([125, expect.stringContaining(`read policy ${file}.none`)])
    await expectNothing(there)
  })
})
