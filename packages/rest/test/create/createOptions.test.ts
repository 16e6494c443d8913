import { CreateFlags, type CreateOptions, networkWish, optionValues } from "@cryopod/entities"
import * as Result from "effect/Result"
import { describe, expect, it } from "vitest"
import { createOptionsOf, ownSpec, type SpecGenerator, specGeneratorOf } from "../../src/index.ts"

/** What `podman --remote create base` of 5.4.2 sends. */
const podmanDefaults: SpecGenerator = {
  env_host: false,
  httpproxy: true,
  terminal: false,
  stdin: false,
  stop_timeout: 10,
  log_configuration: {},
  systemd: "true",
  sdnotifyMode: "container",
  pidns: {},
  utsns: {},
  remove: false,
  containerCreateCommand: ["podman", "create", "base"],
  init_container_type: "",
  unsetenvall: false,
  manage_password: true,
  image: "base",
  raw_image_name: "base",
  image_volume_mode: "anonymous",
  init: false,
  ipcns: {},
  volatile: false,
  privileged: false,
  seccomp_policy: "default",
  userns: {},
  idmappings: {
    HostUIDMapping: true,
    HostGIDMapping: true,
    UIDMap: null,
    GIDMap: null,
    AutoUserNs: false,
    AutoUserNsOpts: { Size: 0, InitialSize: 0, PasswdFile: "", GroupFile: "", AdditionalUIDMappings: null },
  },
  read_only_filesystem: false,
  read_write_tmpfs: false,
  umask: "0022",
  cgroupns: {},
  netns: {},
  publish_image_ports: false,
  Networks: null,
  use_image_resolve_conf: false,
  use_image_hostname: false,
  use_image_hosts: false,
  healthLogDestination: "local",
  healthMaxLogCount: 5,
  healthMaxLogSize: 500,
}

const defaults = optionValues(CreateFlags)

const read = (spec: SpecGenerator): CreateOptions | string =>
  Result.match(createOptionsOf(spec), { onSuccess: (one) => one, onFailure: (one) => one.message })

describe("a SpecGenerator", () => {
  it("of Podman's without options asks for a container without options", () => {
    expect(read(podmanDefaults)).toEqual({
      ...defaults,
      image: "base",
      command: [],
      createCommand: ["podman", "create", "base"],
    })
  })

  it.each<readonly [string, Partial<SpecGenerator>, Partial<CreateOptions>]>([
    ["name", { name: "web" }, { name: "web" }],
    ["command", { command: ["sh", "-c", "x"] }, { command: ["sh", "-c", "x"] }],
    ["entrypoint", { entrypoint: ["a", "b c"] }, { entrypoint: '["a","b c"]' }],
    ["an empty entrypoint", { entrypoint: [] }, { entrypoint: "[]" }],
    ["env", { env: { A: "B=C" } }, { env: ["A=B=C"] }],
    ["labels", { labels: { a: "" } }, { label: ["a="] }],
    ["annotations", { annotations: { c: "d" } }, { annotation: ["c=d"] }],
    ["workdir", { work_dir: "/tmp" }, { workdir: "/tmp" }],
    ["hostname", { hostname: "h" }, { hostname: "h" }],
    ["user", { user: "1:1" }, { user: "1:1" }],
    ["rm", { remove: true, volatile: true }, { autoRemove: true }],
    ["stdin", { stdin: true }, { interactive: true }],
    ["terminal", { terminal: true }, { tty: true }],
    ["read-only", { read_only_filesystem: true, read_write_tmpfs: true }, { readOnly: true }],
    ["privileged", { privileged: true }, { privileged: true }],
    ["capabilities", { cap_add: ["NET_ADMIN"], cap_drop: ["ALL"] }, { capAdd: ["NET_ADMIN"], capDrop: ["ALL"] }],
    ["shm", { shm_size: 1024 }, { shmSize: "1024" }],
    ["ulimit", { r_limits: [{ type: "nofile", soft: 10, hard: 20 }] }, { ulimit: ["nofile=10:20"] }],
    ["no ulimit", { r_limits: [{ type: "RLIMIT_CORE", soft: 2 ** 64, hard: 2 ** 64 }] }, { ulimit: ["core=-1:-1"] }],
    ["stop signal", { stop_signal: 15 }, { stopSignal: "SIGTERM" }],
    ["stop timeout", { stop_timeout: 0 }, { stopTimeout: 0 }],
    ["runtime", { oci_runtime: "runc" }, { runtime: "runc" }],
    ["restart policy", { restart_policy: "on-failure", restart_tries: 3 }, { restart: "on-failure:3" }],
    [
      "health check",
      { healthconfig: { Test: ["CMD-SHELL", "true"], Interval: 5e9, Timeout: 2e9, Retries: 4 } },
      {
        healthCmd: '["CMD-SHELL","true"]',
        healthInterval: "5000000000ns",
        healthTimeout: "2000000000ns",
        healthRetries: 4,
      },
    ],
    ["no health check", { healthconfig: { Test: ["NONE"] } }, { noHealthcheck: true }],
    ["host network", { netns: { nsmode: "host" } }, { network: ["host"] }],
    ["the host's processes", { pidns: { nsmode: "host" } }, { pid: "host" }],
    ["another's network", { netns: { nsmode: "container", value: "web" } }, { network: ["container:web"] }],
    ["a pod", { pod: "p", utsns: { nsmode: "from-pod" } }, { pod: "p", uts: "pod" }],
    ["no network", { netns: { nsmode: "none" } }, { network: ["none"] }],
    [
      "networks",
      {
        netns: { nsmode: "bridge" },
        Networks: {
          net: { static_ips: ["10.99.0.5"], static_mac: "92:d0:c6:0a:29:33", aliases: ["db"], interface_name: "eth3" },
          default: {},
        },
      },
      { network: ["net:ip=10.99.0.5,mac=92:d0:c6:0a:29:33,alias=db,interface_name=eth3", "bridge"] },
    ],
    [
      "a hardware address in bytes",
      { Networks: { net: { static_mac: "ktDGCikz" } } },
      { network: ["net:mac=92:d0:c6:0a:29:33"] },
    ],
    [
      "ports",
      {
        portmappings: [
          { container_port: 80, host_port: 8080 },
          { container_port: 90, host_ip: "127.0.0.1", protocol: "udp", range: 2 },
          { container_port: 53, host_port: 53, host_ip: "::1", protocol: "tcp,udp", range: 1 },
        ],
      },
      { publish: ["8080:80/tcp", "127.0.0.1::90-91/udp", "[::1]:53:53/tcp", "[::1]:53:53/udp"] },
    ],
    [
      "exposed ports",
      { expose: { "70": "tcp,udp" }, publish_image_ports: true },
      { expose: ["70/tcp", "70/udp"], publishAll: true },
    ],
    [
      "names",
      { dns_server: ["1.1.1.1"], dns_search: ["a.b"], dns_option: ["ndots:2"], hostadd: ["x:1.2.3.4"] },
      { dns: ["1.1.1.1"], dnsSearch: ["a.b"], dnsOption: ["ndots:2"], addHost: ["x:1.2.3.4"] },
    ],
    ["the image's names", { use_image_hosts: true, use_image_resolve_conf: true }, { noHosts: true, dns: ["none"] }],
  ])("with %s asks for it", (_, given, wanted) => {
    expect(read({ ...podmanDefaults, ...given })).toMatchObject(wanted)
  })

  it.each<readonly [string, Partial<SpecGenerator>]>([
    ["a memory limit", { resource_limits: { memory: { limit: 1 } } }],
    ["a namespace by its path", { pidns: { nsmode: "path", value: "/proc/1/ns/pid" } }],
    ["a user namespace", { userns: { nsmode: "keep-id" } }],
    ["id mappings", { idmappings: { HostUIDMapping: false, UIDMap: [{ size: 1 }] } }],
    ["devices", { devices: [{ path: "/dev/null" }] }],
    ["the host's environment", { env_host: true }],
    ["another umask", { umask: "0077" }],
    ["a field of the future", { brand_new: "yes" }],
    ["an init process", { init: true }],
  ])("that asks for %s is refused, not half heard", (_, given) => {
    expect(read({ ...podmanDefaults, ...given })).toContain("is not supported by this service")
  })

  it("names a runtime by its name, and by nothing else", () => {
    for (const name of ["/usr/bin/runc", "../runc", "kata"])
      expect(read({ ...podmanDefaults, oci_runtime: name })).toBe(
        `default OCI runtime "${name}" not found: invalid argument`,
      )
  })

  it("needs an image", () =>
    expect(read({ ...podmanDefaults, image: "", raw_image_name: "" })).toContain("an image is needed"))

  it("of our own client says everything in its own words", () => {
    const exact = { ...defaults, image: "base", command: ["sh"], shmSize: "1g", ulimit: ["nofile=1"], pull: "never" }
    expect(read({ cryopod: exact, brand_new: "yes" })).toEqual(exact)
  })

  it("carries every option of create in our own words", () => {
    const names = Object.keys(CreateFlags)
    expect(Object.keys(read({ cryopod: { ...defaults, image: "x", command: [] } })).toSorted()).toEqual(
      [...names, "command", "image"].toSorted(),
    )
  })

  /** Options that say what the client does before it asks for a container. */
  const clientSide: ReadonlyArray<keyof CreateOptions> = ["pull"]

  it("says every option to Podman's service, too: one that it does not read back is lost there", () => {
    const other: CreateOptions = {
      name: "web",
      env: ["A=1"],
      workdir: "/srv",
      hostname: "h",
      user: "1:2",
      label: ["a=b"],
      annotation: ["c=d"],
      entrypoint: '["x","y"]',
      network: ["podman:alias=a"],
      ip: "10.88.0.9",
      ip6: "fd00::9",
      macAddress: "92:d0:c6:0a:29:33",
      networkAlias: ["b"],
      publish: ["8080:80"],
      expose: ["70"],
      publishAll: true,
      dns: ["1.1.1.1"],
      dnsSearch: ["example.org"],
      dnsOption: ["ndots:3"],
      addHost: [],
      noHosts: true,
      pod: "p",
      pid: "host",
      ipc: "shareable",
      uts: "container:x",
      autoRemove: true,
      interactive: true,
      tty: true,
      readOnly: true,
      readOnlyTmpfs: false,
      imageVolume: "ignore",
      volume: [],
      mount: [],
      tmpfs: [],
      volumesFrom: [],
      privileged: true,
      capAdd: ["NET_ADMIN"],
      capDrop: ["CHOWN"],
      shmSize: "1048576",
      ulimit: ["nofile=1:2"],
      stopSignal: "SIGUSR1",
      stopTimeout: 3,
      restart: "on-failure:4",
      healthCmd: '["CMD","true"]',
      healthInterval: "5000000000ns",
      healthRetries: 7,
      healthStartPeriod: "1000000000ns",
      healthTimeout: "2000000000ns",
      noHealthcheck: false,
      pull: "never",
      image: "base",
      command: ["z"],
      createCommand: ["cryopod", "create"],
    }
    const spec = Result.getOrThrow(specGeneratorOf(other))
    const back = read(JSON.parse(JSON.stringify(spec)) as SpecGenerator)
    // what is said of a network in several options is one text for Podman
    expect(networkWish(back as CreateOptions)).toEqual(networkWish(other))
    const { expose, ip, ip6, macAddress, network, networkAlias, publish } = back as CreateOptions
    expect(back).toEqual({
      ...other,
      expose,
      ip,
      ip6,
      macAddress,
      network,
      networkAlias,
      publish,
      ...Object.fromEntries(clientSide.map((name) => [name, defaults[name as "pull"]])),
    })
    const same = Object.keys(other).filter((name) => other[name as keyof CreateOptions] === defaults[name as "pull"])
    expect(same, "options that this test leaves at their defaults").toEqual(["noHealthcheck"])
    const none = Result.getOrThrow(specGeneratorOf({ ...other, healthCmd: "", noHealthcheck: true }))
    expect(read(JSON.parse(JSON.stringify(none)) as SpecGenerator)).toMatchObject({ noHealthcheck: true })
  })

  it("says mounts to Podman's service as that has them; our own is asked in its own words", () => {
    const given = {
      volume: ["/srv:/srv:ro", "data:/data:nocopy,U", "/scratch"],
      mount: ["type=bind,source=/etc/hosts,destination=/h", "type=volume,source=data,destination=/part,subpath=a"],
      tmpfs: ["/memory:size=1m"],
      volumesFrom: ["other:ro"],
    }
    const spec = Result.getOrThrow(specGeneratorOf({ ...defaults, image: "x", command: [], ...given }))
    expect(spec.mounts).toEqual([
      { type: "bind", source: "/etc/hosts", destination: "/h", options: [] },
      { type: "bind", source: "/srv", destination: "/srv", options: ["ro"] },
      { type: "tmpfs", source: "tmpfs", destination: "/memory", options: ["size=1m"] },
    ])
    expect(spec.volumes).toEqual([
      { Name: "data", Dest: "/part", Options: [], IsAnonymous: false, SubPath: "a" },
      { Name: "data", Dest: "/data", Options: ["nocopy", "U"], IsAnonymous: false, SubPath: "" },
      { Name: "", Dest: "/scratch", Options: [], IsAnonymous: true, SubPath: "" },
    ])
    expect(spec.volumes_from).toEqual(["other:ro"])
    expect(read(JSON.parse(JSON.stringify(spec)) as SpecGenerator)).toContain("mounts of a container")
    const twice = specGeneratorOf({ ...defaults, image: "x", command: [], volume: ["a:/a", "b:/a"] })
    expect(Result.isFailure(twice) && twice.failure._tag).toBe("MountInvalid")
  })

  it.each<readonly [string, Partial<CreateOptions>]>([
    ['ulimit option "nofile" requires name=SOFT:HARD', { ulimit: ["nofile"] }],
    ["unable to translate --shm-size: invalid size: 'big'", { shmSize: "big" }],
    ["invalid signal: LOUD", { stopSignal: "LOUD" }],
    ['"CAP_FLY": unknown capability', { capDrop: ["fly"] }],
  ])("cannot be made where %s", (text, given) => {
    const spec = specGeneratorOf({ ...defaults, image: "x", command: [], ...given })
    expect(Result.isFailure(spec) ? spec.failure.message : "").toContain(text)
  })

  it("of our own client says nothing twice", () => {
    expect(Object.keys(ownSpec({ ...defaults, image: "x", command: [] }))).toEqual(["cryopod"])
  })
})
