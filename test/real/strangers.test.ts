/**
 * Archives from strangers, restored for real: each that is not as it should be is one clear error that names the member,
 * the host is untouched, and nothing is left.
 */
import { execFileSync } from "node:child_process"
import * as fs from "node:fs"
import { join } from "node:path"
import { afterAll, beforeAll, expect, it } from "vitest"
import { archive, member, readAll, type Sample } from "../../packages/archive/test/tars.ts"
import { Host } from "./support/Host.ts"
import { leftBehind, surroundings, type Surroundings } from "./support/lost.ts"
import { counter, importBase } from "./support/workloads.ts"

let host: Host
let planted = ""
let good: ReadonlyArray<Sample> = []
let before: Surroundings
beforeAll(async () => {
  host = await Host.make()
  planted = join(host.directory, "planted")
  fs.writeFileSync(planted, "untouched")
  await importBase(host, (rootfs) => fs.symlinkSync(host.directory, join(rootfs, "etc/out")))
  await host.ok("run", "-d", "--name", "web", "-v", "vol:/v", "base", ...counter)
  await host.beyond("web", 1)
  await host.ok("exec", "web", "sh", "-c", "echo x > /v/x; echo x > /etc/x; rm /etc/group")
  await host.ok("container", "checkpoint", "-c", "none", "-e", join(host.directory, "good.tar"), "web")
  await host.ok("rm", "web")
  await host.ok("volume", "rm", "vol")
  const members = await readAll(fs.createReadStream(join(host.directory, "good.tar")) as AsyncIterable<Uint8Array>)
  good = members.map(({ bytes, ...header }) => ({ ...header, content: bytes }))
  before = await surroundings(host)
})
afterAll(() => host.dispose())

/** The good archive with members in place of its own, or behind them. */
const withMembers = (...samples: ReadonlyArray<Sample>) => {
  const names = new Set(samples.map(({ name }) => name))
  return archive(...good.filter(({ name }) => !names.has(name)), ...samples)
}
const withDocument = (name: string, change: (document: Record<string, unknown>) => void) => {
  const found = good.find((sample) => sample.name === name)
  const document = JSON.parse(Buffer.from(found?.content ?? "").toString()) as Record<string, unknown>
  change(document)
  return withMembers({ name, content: JSON.stringify(document) })
}
const whole = () => archive(...good)
const compressed = (program: string, bytes = whole()) =>
  execFileSync(program, ["-c"], { input: bytes, maxBuffer: 1 << 28 })
const damaged = (bytes: Buffer) => {
  const middle = bytes.length >> 1
  return Buffer.concat([bytes.subarray(0, middle), Buffer.alloc(64, 0xa5), bytes.subarray(middle + 64)])
}
/** As much of ten million members as is looked at. */
const endless = () =>
  Buffer.concat([...good.map(member), Buffer.alloc(110_000 * 512, member({ name: "tiny" }).subarray(0, 512))])

const wrong: ReadonlyArray<readonly [string, () => Uint8Array, RegExp]> = [
  [
    "an absolute name",
    () => withMembers({ name: planted, content: "x" }),
    /archive member ".*planted" has an absolute name/,
  ],
  [
    "a name that climbs out",
    () => withMembers({ name: "checkpoint/../../../planted", content: "x" }),
    /leaves the archive/,
  ],
  [
    "a link and a file through it",
    () =>
      withMembers(
        { name: "checkpoint/l", type: "symlink", linkName: "/" },
        { name: "checkpoint/l/planted", content: "x" },
      ),
    /"checkpoint\/l" is a symlink/,
  ],
  ["a hard link", () => withMembers({ name: "ctr.log", type: "link", linkName: planted }), /"ctr\.log" is a link/],
  [
    "a log that is a link",
    () => withMembers({ name: "ctr.log", type: "symlink", linkName: planted }),
    /"ctr\.log" is a symlink/,
  ],
  [
    "a device",
    () => withMembers({ name: "checkpoint/disk", type: "block-device", device: { major: 8, minor: 0 } }),
    /"checkpoint\/disk" is a block-device/,
  ],
  ["a member twice", () => archive(...good, { name: "config.dump", content: "{}" }), /"config\.dump" is there twice/],
  [
    "a document that is too long",
    () => withMembers({ name: "config.dump", content: Buffer.alloc(17 << 20) }),
    /"config\.dump" has more than/,
  ],
  [
    "a member that is bigger than it says",
    () => Buffer.concat([...good.map(member), member({ name: "checkpoint/short", sizeBytes: 1 << 40 })]),
    /"checkpoint\/short".*brings the archive over|"checkpoint\/short": unexpected EOF/,
  ],
  ["ten million tiny members", endless, /is one of more than 100000/],
  ["an end too early", () => whole().subarray(0, whole().length >> 1), /unexpected EOF/],
  ["an end too early, compressed", () => compressed("gzip").subarray(0, 3000), /unexpected EOF|gzip data/],
  ["damage", () => damaged(compressed("zstd")), /zstd data|damaged/],
  ["another compression than it says", () => Buffer.concat([Buffer.from([0x1f, 0x8b]), whole()]), /gzip data/],
  ["a compression that is not known", () => compressed("xz"), /xz compression is not supported/],
  ["nothing in it", () => Buffer.alloc(0), /there is nothing in it/],
  ["something else in it", () => Buffer.from("hello".repeat(1000)), /is no tar archive/],
  ["no configuration", () => archive(...good.filter(({ name }) => name !== "config.dump")), /config\.dump: is missing/],
  [
    "no processes",
    () => archive(...good.filter(({ name }) => name !== "checkpoint/inventory.img")),
    /inventory\.img: is missing/,
  ],
  ["a configuration that is none", () => withMembers({ name: "config.dump", content: "{}" }), /config\.dump: /],
  [
    "a specification that is none",
    () => withMembers({ name: "spec.dump", content: "[]" }),
    /spec\.dump: is no OCI runtime configuration/,
  ],
  [
    "an id that is a path",
    () => withDocument("config.dump", (config) => (config["id"] = "../../planted")),
    /config\.dump: .*id/,
  ],
  ["a name that is none", () => withDocument("config.dump", (config) => (config["name"] = "../x")), /names must match/],
  [
    "a volume whose name is a path",
    () =>
      withDocument("config.dump", (config) => (config["namedVolumes"] = [{ volumeName: "../../planted", dest: "/v" }])),
    /config\.dump: .*volumeName/,
  ],
  [
    "a volume that climbs out",
    () => withMembers({ name: "volumes/vol.tar", content: archive({ name: "../../../planted", content: "x" }) }),
    /volumes\/vol\.tar: its archive member ".*" leaves/,
  ],
  [
    "a volume with a way out",
    () =>
      withMembers({
        name: "volumes/vol.tar",
        content: archive({ name: "l", type: "symlink", linkName: "/" }, { name: "l/planted", content: "x" }),
      }),
    /volumes\/vol\.tar: .*symbolic link l/,
  ],
  [
    "a volume that is compressed",
    () => withMembers({ name: "volumes/vol.tar", content: compressed("gzip", archive({ name: "x" })) }),
    /volumes\/vol\.tar: /,
  ],
  [
    "a volume that is cut off",
    () =>
      withMembers({
        name: "volumes/vol.tar",
        content: archive({ name: "x", content: Buffer.alloc(5000) }).subarray(0, 2048),
      }),
    /volumes\/vol\.tar: .*it ends/,
  ],
  [
    "no volume",
    () => archive(...good.filter(({ name }) => name !== "volumes/vol.tar")),
    /volumes\/vol\.tar: is missing/,
  ],
  [
    "files through a link of the image",
    () => withMembers({ name: "rootfs-diff.tar", content: archive({ name: "etc/out/planted", content: "x" }) }),
    /rootfs-diff\.tar: .*symbolic link etc\/out/,
  ],
  [
    "deleted files of the host",
    () => withMembers({ name: "deleted.files", content: JSON.stringify(["/etc/out/planted"]) }),
    /deleted\.files: .*symbolic link etc\/out/,
  ],
  [
    "shared memory that climbs out",
    () => withMembers({ name: "devshm-checkpoint.tar", content: archive({ name: "../x", content: "x" }) }),
    /devshm-checkpoint\.tar: .*leaves/,
  ],
]

it.each(wrong)("with %s", async (_, make, text) => {
  const path = join(host.directory, "bad.tar")
  fs.writeFileSync(path, make())
  const { peakBytes, status, stderr, stdout } = await host.run("container", "restore", "-i", path)
  expect([status, stdout]).toEqual([125, ""])
  expect(stderr).toMatch(/^Error: [^\n]*\n$/)
  expect(stderr).toMatch(text)
  expect(peakBytes).toBeLessThan(300 << 20)
  expect(fs.readFileSync(planted, "utf8")).toBe("untouched")
  const left = ["containers", "volumes"].flatMap((directory) => fs.readdirSync(host.path(directory)))
  expect([left, await leftBehind(host)]).toEqual([[], []])
})

it("after all of them the host is as before", async () => {
  expect([await host.ok("ps", "-aq"), await host.ok("volume", "ls", "-q")]).toEqual(["", ""])
  expect(await surroundings(host)).toEqual(before)
})

it("what reaches into the host is left out and told; the rest goes on", async () => {
  const path = join(host.directory, "reaching.tar")
  const spec = withDocument("spec.dump", (document) => {
    document["hooks"] = { prestart: [{ path: "/bin/sh", args: ["sh", "-c", `echo x > ${planted}`] }] }
    document["annotations"] = {
      ...(document["annotations"] as object),
      "org.criu.config": planted,
      "cdi.k8s.io/disk": "x/y=z",
    }
  })
  fs.writeFileSync(path, spec)
  const { status, stderr } = await host.run("container", "restore", "--policy", "none", "-i", path)
  expect([status, stderr]).toEqual([0, expect.anything()])
  for (const what of ["OCI hook prestart", "annotation org.criu.config", "annotation cdi.k8s.io/disk"])
    expect(stderr).toContain(`not restored: ${what}`)
  await host.beyond("web", await host.last("web"))
  expect(fs.readFileSync(planted, "utf8")).toBe("untouched")
  await host.ok("rm", "-f", "-t", "0", "web")
})
