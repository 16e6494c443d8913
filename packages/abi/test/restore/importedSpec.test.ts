/** A stranger's configuration reaches nothing of this host, whatever it calls what it asks for. */
import type { LibpodConfig } from "@cryopod/checkpoint"
import { type ContainerMount, replacedMounts } from "@cryopod/entities"
import { makeLayout } from "@cryopod/host"
import type { ContainerConfig, OciSpec, SpecMount } from "@cryopod/runtime"
import * as Result from "effect/Result"
import { describe, expect, it } from "vitest"
import { importedSpec } from "../../src/restore/importedSpec.ts"
import { importedMounts } from "../../src/restore/importedVolumes.ts"

const layout = makeLayout("/root", "/run")
const id = "4".repeat(64)
const paths = layout.container(id)

const specOf = (mounts: ReadonlyArray<Partial<SpecMount>>) =>
  ({
    ociVersion: "1.0.2",
    process: { args: ["sh"], cwd: "/", user: { uid: 0, gid: 0 } },
    root: { path: "rootfs" },
    mounts,
    linux: { namespaces: [{ type: "mount" }] },
  }) as unknown as OciSpec

const imported = (mount: Partial<SpecMount>, own: ReadonlyArray<ContainerMount> = []) => {
  const { dropped, spec, standIns } = importedSpec(specOf([mount]), {
    cgroups: "/cryopod/x",
    config: {
      id,
      mounts: own,
      rlimits: [],
      annotations: {},
      network: "none",
      autoRemove: false,
    } as never as ContainerConfig,
    paths,
    volumeData: (name) => layout.volume(name).data,
  })
  return { mount: spec.mounts[0], standIns, dropped }
}

describe("a mount of the host's files keeps its place and loses what it brought", () => {
  it.each([
    ["a bind mount", { type: "bind", source: "/etc", options: ["rbind"] }],
    ["one whose type is left out", { source: "/etc", options: ["bind"] }],
    ["one that calls itself memory", { type: "tmpfs", source: "/etc", options: ["rbind", "rw"] }],
    ["one that calls itself proc", { type: "proc", source: "/etc", options: ["bind"] }],
    [
      "one over a directory of the kernel's",
      { destination: "/proc", type: "proc", source: "/etc", options: ["rbind"] },
    ],
    ["a disk", { type: "ext4", source: "/dev/sda1", options: [] }],
    ["an overlay", { type: "overlay", source: "overlay", options: ["lowerdir=/etc"] }],
    ["a server", { type: "nfs", source: "host:/", options: [] }],
  ])("%s", (_, given) => {
    const destination = "/place"
    const { dropped, mount, standIns } = imported({ destination, ...given })
    expect(standIns).toEqual([{ destination: mount?.destination, path: `${paths.userdata}/stand-ins/0` }])
    expect(mount).toMatchObject({ type: "bind", source: `${paths.userdata}/stand-ins/0` })
    expect(mount?.options.some((option) => option.includes("/"))).toBe(false)
    expect(dropped).toEqual([expect.stringContaining("mount of ")])
    expect(dropped[0]).toContain(given.source)
  })
})

it("file systems of the kernel stay, and what is the engine's comes from this bundle", () => {
  const proc = { destination: "/proc", type: "proc", source: "proc", options: ["nosuid"] }
  expect(imported(proc)).toMatchObject({ mount: proc, dropped: [] })
  expect(imported({ destination: "/dev/shm", type: "bind", source: "/elsewhere", options: ["bind"] })).toMatchObject({
    mount: { source: paths.shm },
    dropped: [],
  })
})

it("a volume is mounted from where it lies here", () => {
  const volume = { type: "volume", name: "vol", anonymous: false, destination: "/v", options: [] } as const
  expect(
    imported({ destination: "/v", type: "bind", source: "/etc", options: ["rbind", "ro", "nosuid"] }, [volume]),
  ).toMatchObject({
    mount: { type: "bind", source: "/root/volumes/vol/_data", options: ["ro", "nosuid", "rbind"] },
    standIns: [],
    dropped: [],
  })
})

const mountsOf = (
  volumes: LibpodConfig["namedVolumes"],
  spec: ReadonlyArray<Partial<SpecMount>>,
  { own = [], replaced = [] }: { readonly own?: Array<string>; readonly replaced?: Array<string> } = {},
) =>
  importedMounts(
    {
      source: "web.tar",
      config: {
        id,
        name: "web",
        rootfsImageID: "5".repeat(64),
        createdTime: "",
        namedVolumes: volumes ?? [],
        userVolumes: own,
      },
      spec: specOf(spec),
    },
    { anonymous: () => "fresh", replaced: Result.getOrThrow(replacedMounts(replaced)) },
  )

describe("volumes of a stranger's container", () => {
  const at = (dest: string) => ({ destination: dest, type: "bind", source: "/var/lib/x", options: ["rbind"] })

  it("are made once each, with their labels and harmless options", () => {
    const vol = { volumeName: "vol", labels: { a: "b" }, driverOptions: { UID: "7", o: "uid=7" } }
    const result = mountsOf(
      [
        { ...vol, dest: "/one", options: ["rw"] },
        { ...vol, dest: "/two", options: ["ro"] },
        { volumeName: "9".repeat(64), dest: "/anonymous" },
      ],
      [...["/one", "/two", "/anonymous"].map(at), { destination: "/t", type: "tmpfs", options: ["size=1m"] }, at("/b")],
      { own: ["/t", "/b"] },
    )
    expect(Result.getOrThrow(result)).toEqual({
      mounts: [
        { type: "volume", name: "vol", anonymous: false, destination: "/one", options: ["rw"] },
        { type: "volume", name: "vol", anonymous: false, destination: "/two", options: ["ro"] },
        { type: "volume", name: "fresh", anonymous: true, destination: "/anonymous", options: [] },
        { type: "tmpfs", destination: "/t", options: ["size=1m"] },
      ],
      volumes: [
        {
          name: "vol",
          member: "volumes/vol.tar",
          anonymous: false,
          labels: { a: "b" },
          options: { UID: "7", o: "uid=7" },
        },
        { name: "fresh", member: `volumes/${"9".repeat(64)}.tar`, anonymous: true, labels: {}, options: {} },
      ],
      dropped: [],
    })
  })

  it.each([
    [
      "memory",
      { type: "tmpfs", device: "tmpfs", o: "size=2m,mode=700" },
      { type: "tmpfs", device: "tmpfs", o: "size=2m,mode=700" },
      [],
    ],
    [
      "memory that is a directory of the host",
      { type: "tmpfs", device: "/etc", o: "bind,ro" },
      { type: "tmpfs", device: "tmpfs", o: "ro" },
      ["o=bind"],
    ],
    [
      "a directory of the host",
      { type: "none", device: "/etc", o: "bind" },
      {},
      ["type=none", "device=/etc", "o=bind"],
    ],
    ["a directory, without a type", { device: "/etc", o: "rbind" }, {}, ["type=", "device=/etc", "o=rbind"]],
    ["a server", { type: "nfs", device: ":/x", o: "addr=10.0.0.1" }, {}, ["type=nfs", "device=:/x", "o=addr=10.0.0.1"]],
    ["words of a mount without one", { o: "bind,uid=5" }, { o: "uid=5" }, ["o=bind"]],
    ["an owner that is none", { UID: "root" }, {}, []],
  ])("as %s", (_, driverOptions, options, dropped) => {
    const made = Result.getOrThrow(mountsOf([{ volumeName: "vol", dest: "/v", driverOptions }], [at("/v")]))
    expect(made.volumes[0]?.options).toEqual(options)
    expect(made.dropped).toEqual(dropped.map((option) => `option ${option} of volume vol`))
  })

  it("give way to what the caller names", () => {
    const vol = { volumeName: "vol", labels: { a: "b" } }
    const checkpoint = [
      [
        { ...vol, dest: "/one" },
        { ...vol, dest: "/two" },
      ],
      [at("/one"), at("/two"), at("/b")],
    ] as const
    const made = Result.getOrThrow(mountsOf([...checkpoint[0]], checkpoint[1], { replaced: ["other:/two", "/srv:/b"] }))
    expect(made.mounts.map(({ destination, type }) => [type, destination])).toEqual([
      ["volume", "/one"],
      ["volume", "/two"],
      ["bind", "/b"],
    ])
    // both have the content that the one volume had
    expect(made.volumes.map(({ labels, member, name }) => [name, member, labels])).toEqual([
      ["vol", "volumes/vol.tar", { a: "b" }],
      ["other", "volumes/vol.tar", { a: "b" }],
    ])
    expect(
      Result.getOrThrow(mountsOf([...checkpoint[0]], checkpoint[1], { replaced: ["new:/b"] })).volumes,
    ).toContainEqual({ name: "new", anonymous: false, labels: {}, options: {} })
    const instead = Result.getOrThrow(
      mountsOf([...checkpoint[0]], checkpoint[1], { replaced: ["/srv:/one", "/srv:/two"] }),
    )
    expect([instead.volumes, instead.dropped]).toEqual([[], ["volume vol on /one", "volume vol on /two"]])
    for (const [replaced, problem] of [
      [["a:/nowhere"], "/nowhere: the checkpoint has no volume and no directory of a host mounted there"],
      [["vol:/b"], "vol: several volumes of the checkpoint cannot become one"],
    ] as const) {
      const result = mountsOf([...checkpoint[0]], checkpoint[1], { replaced: [...replaced] })
      expect(Result.isFailure(result) && result.failure.message).toBe(problem)
    }
    for (const wrong of ["a:/b:ro", "/b", "a", ":/b"]) expect(Result.isFailure(replacedMounts([wrong]))).toBe(true)
    expect(Result.isFailure(replacedMounts(["a:/b", "c:/b"]))).toBe(true)
  })

  it("that make no sense are refused", () => {
    const refusal = (result: ReturnType<typeof mountsOf>) => (Result.isFailure(result) ? result.failure.message : "")
    expect(refusal(mountsOf([{ volumeName: "vol", dest: "/v", SubPath: "a" }], [at("/v")]))).toBe(
      "checkpoint web.tar: config.dump: volume vol: a directory within a volume cannot be mounted",
    )
    expect(refusal(mountsOf([{ volumeName: "vol", dest: "/v" }], []))).toBe(
      "checkpoint web.tar: config.dump: volume vol: spec.dump does not mount it",
    )
  })
})
