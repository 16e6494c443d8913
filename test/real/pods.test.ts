/** Pods: what they share, how they live and end, and containers that leave one and go on in another. */
import * as fs from "node:fs"
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest"
import { brokenBuild, dieHere } from "./support/brokenBuild.ts"
import { eventually, Host, type HostOptions } from "./support/Host.ts"
import { copyProgram, counter, importBase } from "./support/workloads.ts"

const kinds = ["ipc", "net", "pid", "uts"] as const

/** The namespaces that two containers have in common. */
const common = async (host: Host, one: string, other: string): Promise<ReadonlyArray<string>> => {
  const pids = await Promise.all([one, other].map((ref) => host.inspect(ref, "{{.State.Pid}}")))
  const links = pids.map((pid) => kinds.map((kind) => fs.readlinkSync(`/proc/${pid}/ns/${kind}`)))
  return kinds.filter((_, at) => links[0]?.[at] === links[1]?.[at])
}

const infraOf = (host: Host, pod: string) => host.ok("pod", "inspect", "--format", "{{.InfraContainerID}}", pod)

/** What pods and containers there are, and what they have mounted and locked. */
const leftovers = async (host: Host) => ({
  pods: await host.ok("pod", "ps", "-q"),
  containers: await host.ok("ps", "-aq"),
  mounts: Number((await host.shell(`grep -c ' ${host.directory}/' /proc/self/mountinfo`)).stdout),
  directories: fs.existsSync(host.path("containers")) ? fs.readdirSync(host.path("containers")) : [],
})
const nothing = { pods: "", containers: "", mounts: 0, directories: [] }

const hosts: ReadonlyArray<Required<Pick<HostOptions, "runtime" | "cgroups">>> = [
  { runtime: "runc", cgroups: "host" },
  { runtime: "crun", cgroups: "v1" },
]

describe.each(hosts)("with $runtime", (options) => {
  let host: Host
  beforeAll(async () => {
    host = await Host.make(options)
    await importBase(host)
  })
  afterEach(async () => {
    await host.ok("pod", "rm", "--all", "--force", "-t", "0", "--ignore")
    await host.ok("rm", "--all", "--force", "-t", "0")
    expect(await leftovers(host)).toEqual(nothing)
  })
  afterAll(() => host.dispose())

  it("a pod is made with its infra container and shown as Podman shows it", async () => {
    const id = await host.ok("pod", "create", "--name", "web", "--label", "tier=front")
    expect(id).toMatch(/^[0-9a-f]{64}$/)
    const template = "{{.ID}} {{.Name}} status={{.Status}} ({{.NumberOfContainers}} containers)"
    expect(await host.ok("pod", "ls", "--format", template)).toBe(
      `${id.slice(0, 12)} web status=Created (1 containers)`,
    )
    expect(await host.ok("pod", "ps", "-q")).toBe(id)
    expect(await host.ok("ps", "-a", "--pod", "--format", "{{.Names}} {{.Pod}} {{.PodName}} {{.IsInfra}}")).toBe(
      `${id.slice(0, 12)}-infra ${id.slice(0, 12)} web true`,
    )
    const document: unknown = JSON.parse(await host.ok("pod", "inspect", "web"))
    expect(document).toMatchObject([
      {
        Id: id,
        Name: "web",
        State: "Created",
        Labels: { tier: "front" },
        CreateInfra: true,
        ExitPolicy: "continue",
        SharedNamespaces: ["ipc", "net", "uts"],
        NumContainers: 1,
        Containers: [{ Name: `${id.slice(0, 12)}-infra`, State: "created" }],
      },
    ])
    expect((await host.run("pod", "exists", "web")).status).toBe(0)
    expect((await host.run("pod", "exists", "nobody")).status).toBe(1)
    expect(await host.ok("pod", "rm", "web")).toBe(id)
  })

  it("its containers share what it shares, and start the infra container themselves", async () => {
    const pod = await host.ok("pod", "create", "--name", "web", "--hostname", "front")
    await host.ok("run", "-d", "--name", "one", "--pod", "web", "base", ...counter)
    await host.ok("run", "-d", "--name", "two", "--pod", pod.slice(0, 8), "base", ...counter)
    const infra = await infraOf(host, "web")
    expect(await common(host, "one", infra)).toEqual(["ipc", "net", "uts"])
    expect(await common(host, "one", "two")).toEqual(["ipc", "net", "uts"])
    await host.ok("exec", "one", "sh", "-c", "echo shared > /dev/shm/note")
    expect(await host.ok("exec", "two", "cat", "/dev/shm/note")).toBe("shared")
    expect(await host.ok("exec", "two", "sh", "-c", "hostname; cat /etc/hostname; echo $HOSTNAME")).toBe(
      "front\nfront\nfront",
    )
    expect(
      await host.inspect(
        "one",
        "{{.Pod}} {{.IsInfra}} {{.Dependencies}} {{.HostConfig.IpcMode}} {{.HostConfig.PidMode}} {{.HostConfig.UTSMode}}",
      ),
    ).toBe(`${pod} false [${infra}] container:${infra} private container:${infra}`)
    expect(await host.ok("pod", "ps", "--format", "{{.Status}} {{.NumberOfContainers}}")).toBe("Running 3")
    expect(await host.ok("ps", "--filter", "pod=web", "-q", "--no-trunc")).toContain(infra)
    const rows = (await host.ok("pod", "top", "web", "args")).split("\n").slice(1)
    expect(rows.filter((row) => row.includes("i=0"))).toHaveLength(2)
  })

  it("is stopped, started, paused, killed and restarted as a whole", async () => {
    const id = await host.ok("pod", "create", "--name", "web")
    await host.ok("run", "-d", "--name", "one", "--pod", "web", "base", ...counter)
    const status = () => host.ok("pod", "inspect", "--format", "{{.State}}", "web")
    expect(await host.ok("pod", "stop", "-t", "0", id)).toBe("web")
    expect(await status()).toBe("Exited")
    expect(await host.ok("pod", "start", "web")).toBe("web")
    expect(await status()).toBe("Running")
    expect(await host.ok("pod", "pause", "web")).toBe(id)
    expect(await status()).toBe("Paused")
    expect(await host.ok("pod", "unpause", "web")).toBe(id)
    expect(await host.ok("pod", "unpause", "web")).toBe("")
    await host.ok("stop", "-t", "0", "one")
    expect(await status()).toBe("Degraded")
    expect(await host.ok("pod", "restart", "web")).toBe(id)
    expect(await status()).toBe("Running")
    expect(await host.ok("pod", "kill", "web")).toBe(id)
    await eventually(async () => ((await status()) === "Exited" ? true : undefined), "the pod to end")
    expect(await host.ok("pod", "prune", "--force")).toBe(id)
  })

  it("refuses with Podman's words", async () => {
    const id = await host.ok("pod", "create", "--name", "web")
    const infra = await infraOf(host, "web")
    await host.ok("run", "-d", "--name", "one", "--pod", "web", "base", ...counter)
    const refusals: ReadonlyArray<readonly [string, number, string]> = [
      ["pod create --name web", 125, 'adding pod to state: name "web" is in use: pod already exists'],
      ["pod create --infra=false --share ipc x", 125, "cannot set share(ipc) namespaces without an infra container"],
      [
        "pod create --share foo x",
        125,
        "invalid kernel namespace to share: foo. Options are: cgroup, ipc, net, pid, uts or none",
      ],
      ["pod create --exit-policy foo x", 125, 'running pod create option: invalid pod exit policy: "foo"'],
      ["pod start nobody", 125, "no pod with name or ID nobody found: no such pod"],
      ["pod rm nobody", 1, "no pod with name or ID nobody found: no such pod"],
      ["pod rm -t 0 web", 125, "--force option must be specified to use the --time option"],
      ["pod rm web", 125, `not all containers could be removed from pod ${id}: removing pod containers`],
      ["pod inspect nobody", 125, "no such pod nobody"],
      ["run --pod nobody base", 125, "no pod with name or ID nobody found: no such pod"],
      [
        "run --pod web --hostname x base",
        125,
        "invalid config provided: cannot set hostname when joining the pod UTS namespace: invalid configuration",
      ],
      [
        "run --pid pod base",
        125,
        "cannot use pod namespace as container is not joining a pod or pod has no infra container: invalid argument",
      ],
      ["run --ipc foo base", 125, "unrecognized namespace mode foo passed"],
      [
        "run --pid container:nobody base",
        125,
        'looking up container to share pid namespace with: no container with name or ID "nobody" found: no such container',
      ],
      [
        `rm -f ${infra}`,
        125,
        `container ${infra} is the infra container of pod ${id} and cannot be removed without removing the pod`,
      ],
      [`container checkpoint ${infra}`, 125, `container ${infra} holds the namespaces of pod ${id}`],
    ]
    for (const [words, status, text] of refusals) {
      const ran = await host.run(...words.split(" "))
      expect([words, ran.status, ran.stderr]).toEqual([words, status, expect.stringContaining(text)])
    }
    // what a refused removal was about is untouched
    expect(await host.ok("pod", "ps", "--format", "{{.Status}} {{.NumberOfContainers}}")).toBe("Running 2")
  })

  it("ends with its last container where that is its policy", async () => {
    await host.ok("pod", "create", "--name", "web", "--exit-policy", "stop")
    await host.ok("run", "-d", "--name", "one", "--pod", "web", "base", "sleep", "1000")
    await host.ok("run", "-d", "--name", "two", "--pod", "web", "base", "true")
    const status = () => host.ok("pod", "inspect", "--format", "{{.State}}", "web")
    expect(await status()).toBe("Degraded")
    await host.ok("kill", "one")
    await eventually(async () => ((await status()) === "Exited" ? true : undefined), "the pod to follow its containers")
  })

  it("a pod is made together with its first container", async () => {
    await host.ok("run", "-d", "--name", "one", "--pod", "new:web", "--hostname", "front", "base", ...counter)
    expect(await host.ok("exec", "one", "hostname")).toBe("front")
    expect(await host.ok("pod", "ps", "--format", "{{.Name}} {{.Status}}")).toBe("web Running")
    // what cannot be made leaves no pod
    const ran = await host.run("run", "-d", "--pod", "new:db", "--cap-add", "fly", "base")
    expect(ran.status).toBe(125)
    expect(await host.ok("pod", "ps", "--format", "{{.Name}}")).toBe("web")
  })

  it("containers join others without a pod, and keep those from being removed", async () => {
    const owner = await host.ok("run", "-d", "--name", "owner", "base", ...counter)
    const modes = ["--pid", "--ipc", "--uts", "--network"].flatMap((flag) => [flag, "container:owner"])
    const guest = await host.ok("run", "-d", "--name", "guest", ...modes, "base", "sh", "-c", "sleep 1000 & sleep 1000")
    expect(await common(host, "owner", "guest")).toEqual([...kinds])
    expect(await host.ok("exec", "guest", "ps")).toContain("i=0")
    const refused = await host.run("rm", "-f", "owner")
    expect([refused.status, refused.stderr]).toEqual([
      125,
      `Error: container ${owner} has dependent containers which must be removed before it: ${guest}: container already exists\n`,
    ])
    // the end of its PID namespace is the end of the guest
    const checkpoint = await host.run("container", "checkpoint", "owner")
    expect([checkpoint.status, checkpoint.stderr]).toEqual([125, expect.stringContaining("live in its PID namespace")])
    await host.ok("stop", "-t", "0", "owner")
    await eventually(
      async () => ((await host.inspect("guest", "{{.State.Status}}")) === "exited" ? true : undefined),
      "the guest to end",
    )
    // and its start is the start of the owner
    await host.ok("start", "guest")
    expect(await host.inspect("owner", "{{.State.Status}}")).toBe("running")
    expect(await common(host, "owner", "guest")).toEqual([...kinds])
    const exported = await host.run("container", "checkpoint", "--create-image", "guest:1", "guest")
    expect([exported.status, exported.stderr]).toEqual([
      125,
      "Error: cannot export checkpoints of containers with dependencies\n",
    ])
    await host.ok("rm", "--depend", "-f", "-t", "0", "owner")
    expect(await host.ok("ps", "-aq")).toBe("")
  })

  it("nobody's checkpoint is lost to the start of somebody else", async () => {
    await host.ok("run", "-d", "--name", "owner", "base", ...counter)
    await host.ok("run", "-d", "--name", "guest", "--network", "container:owner", "base", ...counter)
    await host.ok("stop", "-t", "0", "guest")
    await host.ok("container", "checkpoint", "owner")
    const ran = await host.run("start", "guest")
    expect([ran.status, ran.stderr]).toEqual([125, expect.stringContaining("which is checkpointed: restore that one")])
    await host.ok("container", "restore", "owner")
    await host.ok("start", "guest")
    const numbers = await host.numbers("owner")
    expect(numbers).toEqual(numbers.map((_, at) => at))
  })

  it("a container with the host's namespaces has them", async () => {
    await host.ok("run", "-d", "--name", "one", "--pid", "host", "--ipc", "host", "--uts", "host", "base", ...counter)
    const pid = await host.inspect("one", "{{.State.Pid}}")
    for (const kind of ["ipc", "pid", "uts"]) {
      expect(fs.readlinkSync(`/proc/${pid}/ns/${kind}`)).toBe(fs.readlinkSync(`/proc/self/ns/${kind}`))
    }
  })

  it.each([["ipc,net"], ["ipc,net,uts"], ["net,uts"], ["ipc,net,uts,pid"], ["net,uts,pid"], ["uts,pid"]])(
    "a container of a pod that shares %s goes on in place, and in another pod that shares the same",
    async (share) => {
      const shared = kinds.filter((kind) => share.split(",").includes(kind))
      await host.ok("pod", "create", "--name", "web", "--share", share)
      const id = await host.ok("run", "-d", "--name", "one", "--pod", "web", "base", ...counter)
      await host.ok("exec", "one", "sh", "-c", "echo kept > /dev/shm/note")
      await host.beyond("one", 2)
      expect(await host.ok("container", "checkpoint", "one")).toBe("one")
      expect(await host.ok("pod", "inspect", "--format", "{{.State}}", "web")).toBe("Degraded")
      // also when the infra container has been stopped meanwhile
      await host.ok("pod", "stop", "-t", "0", "web")
      expect(await host.ok("container", "restore", "one")).toBe("one")
      expect(await common(host, "one", await infraOf(host, "web"))).toEqual(shared)

      await host.ok("container", "checkpoint", "--create-image", "one:1", "one")
      const frozen = await host.last("one")
      await host.ok("pod", "rm", "-f", "-t", "0", "web")
      await host.ok("pod", "create", "--name", "next", "--share", share)
      expect(await host.ok("container", "restore", "--pod", "next", "one:1")).toBe(id)
      await host.beyond("one", frozen)
      expect(await common(host, "one", await infraOf(host, "next"))).toEqual(shared)
      expect(await host.ok("exec", "one", "cat", "/dev/shm/note")).toBe("kept")
      expect(await host.inspect("one", "{{.Pod}}")).toBe(await host.ok("pod", "inspect", "--format", "{{.Id}}", "next"))
      const numbers = await host.numbers("one")
      expect(numbers).toEqual(numbers.map((_, at) => at))
    },
  )

  it("what a pod has is neither lost nor changed by a container that comes back into it", async () => {
    await importBase(
      host,
      (rootfs) => ["/usr/bin/ipcmk", "/usr/bin/ipcs"].forEach((path) => copyProgram(path, rootfs)),
      "ipc",
    )
    const objects = async (ref: string) =>
      (await host.ok("exec", ref, "/usr/bin/ipcs")).split("\n").filter((line) => line.startsWith("0x"))
    await host.ok("pod", "create", "--name", "web", "--hostname", "front")
    await host.ok("run", "-d", "--name", "one", "--pod", "web", "ipc", ...counter)
    await host.ok("run", "-d", "--name", "two", "--pod", "web", "ipc", ...counter)
    await host.ok("exec", "one", "sh", "-c", "ipcmk -M 4096; ipcmk -Q; ipcmk -S 3; echo one > /dev/shm/note")
    const made = await objects("one")
    expect(made).toHaveLength(3)
    await host.ok("container", "checkpoint", "--create-image", "one:1", "one")
    // the pod moves on meanwhile
    await host.ok("exec", "two", "sh", "-c", "echo two > /dev/shm/note; ipcmk -M 8192")
    const now = await objects("two")
    await host.ok("container", "restore", "one")
    expect(await objects("two")).toEqual(now)
    expect(await host.ok("exec", "one", "cat", "/dev/shm/note")).toBe("two")

    // elsewhere everything comes along, but for what is the other pod's own
    await host.ok("rm", "-f", "-t", "0", "one")
    await host.ok("pod", "create", "--name", "next", "--hostname", "back")
    await host.ok("container", "restore", "--pod", "next", "one:1")
    expect(await objects("one")).toEqual(made)
    expect(await host.ok("exec", "one", "sh", "-c", "hostname; cat /dev/shm/note")).toBe("back\none")

    // a pod with objects of its own in those places is left as it is
    await host.ok("rm", "-f", "-t", "0", "one")
    await host.ok("run", "-d", "--name", "three", "--pod", "new:other", "ipc", "sh", "-c", "ipcmk -M 100; sleep 1000")
    await eventually(async () => ((await objects("three")).length > 0 ? true : undefined), "three to make its segment")
    const refused = await host.run("container", "restore", "--pod", "other", "one:1")
    expect([refused.status, refused.stderr]).toEqual([
      125,
      expect.stringContaining("has another shared memory segment"),
    ])
    expect(await objects("three")).toHaveLength(1)
  })

  it("a checkpoint and a pod that do not fit each other are refused, and leave nothing", async () => {
    await host.ok("pod", "create", "--name", "web")
    await host.ok("run", "-d", "--name", "one", "--pod", "web", "base", ...counter)
    await host.ok("run", "-d", "--name", "alone", "base", ...counter)
    await host.ok("container", "checkpoint", "--create-image", "one:1", "one")
    await host.ok("container", "checkpoint", "--create-image", "alone:1", "alone")
    await host.ok("rm", "one", "alone")
    const [fewer, empty] = [
      await host.ok("pod", "create", "--name", "fewer", "--share", "ipc,uts"),
      await host.ok("pod", "create", "--name", "empty", "--infra=false"),
    ]
    const rows = () => host.ok("ps", "-a", "--format", "{{.ID}} {{.State}}")
    const before = await rows()
    const refusals: ReadonlyArray<readonly [string, string]> = [
      ["one:1", "cannot restore pod container without --pod"],
      ["--pod web alone:1", "cannot restore non pod container into pod"],
      ["--pod fewer one:1", `pod ${fewer} does not share the network namespace`],
      ["--pod empty one:1", `cannot retrieve infra container from pod "${empty}"`],
      ["--pod nobody one:1", "no pod with name or ID nobody found: no such pod"],
    ]
    for (const [words, text] of refusals) {
      const ran = await host.run("container", "restore", ...words.split(" "))
      expect([words, ran.status, ran.stderr]).toEqual([words, 125, expect.stringContaining(text)])
    }
    expect(await rows()).toBe(before)
  })

  it("all running containers are checkpointed, and what holds their namespaces stays", async () => {
    await host.ok("pod", "create", "--name", "web")
    await host.ok("run", "-d", "--name", "one", "--pod", "web", "base", ...counter)
    await host.ok("run", "-d", "--name", "alone", "base", ...counter)
    expect((await host.ok("container", "checkpoint", "--all")).split("\n")).toHaveLength(2)
    expect(await host.ok("container", "restore", "--all")).not.toBe("")
    for (const name of ["one", "alone"]) await host.beyond(name, await host.last(name))
  })

  it("removing all containers removes pods with their infra containers", async () => {
    await host.ok("pod", "create", "--name", "web")
    await host.ok("run", "-d", "--pod", "web", "base", ...counter)
    await host.ok("pod", "create", "--name", "group", "--infra=false")
    expect((await host.ok("rm", "-fa", "-t", "0")).split("\n")).toHaveLength(2)
    expect(await host.ok("pod", "ps", "--format", "{{.Name}}")).toBe("group")
  })
})

describe("a process that is killed", () => {
  let host: Host
  beforeAll(async () => {
    host = await Host.make()
    await importBase(host)
  })
  afterAll(() => host.dispose())

  const dying = (file: string, find: string) =>
    brokenBuild({
      file: `packages/abi/src/${file}`,
      find,
      replace: `yield* Effect.sync(() => { ${dieHere} });\n${find}`,
    })

  it.each([
    ["before the infra container is made", "pod/createPod.ts", "yield* (infra === undefined"],
    ["when the infra container is made", "pod/createPod.ts", "yield* pods.mark(config.id, undefined)"],
  ])("while it makes a pod, %s, leaves a name that can be taken", async (_, file, find) => {
    const killed = await host.with(await dying(file, find)).run("pod", "create", "--name", "web")
    expect(killed.status).toBe(137)
    await host.ok("pod", "create", "--name", "web")
    expect(await host.ok("ps", "-aq")).toMatch(/^[0-9a-f]{12}$/)
    await host.ok("pod", "rm", "-f", "web")
    expect(await leftovers(host)).toEqual(nothing)
  })

  it("without the marker, a pod that was half made would stay", async () => {
    const broken = await brokenBuild(
      {
        file: "packages/abi/src/pod/createPod.ts",
        find: "yield* pods.mark(config.id, undefined)",
        replace: `yield* Effect.sync(() => { ${dieHere} });\nyield* pods.mark(config.id, undefined)`,
      },
      {
        file: "packages/abi/src/pod/createPod.ts",
        find: 'operation: "create" }, options.infra',
        replace: "}, options.infra",
      },
    )
    await host.with(broken).run("pod", "create", "--name", "web")
    expect((await host.run("pod", "create", "--name", "web")).status).toBe(125)
    await host.ok("pod", "rm", "-f", "web")
  })

  it("while it removes a pod leaves one that the next command removes", async () => {
    await host.ok("pod", "create", "--name", "web")
    await host.ok("run", "-d", "--name", "one", "--pod", "web", "base", ...counter)
    const broken = await dying("pod/erasePod.ts", "yield* (yield* Pods).remove(id)")
    expect((await host.with(broken).run("pod", "rm", "-f", "-t", "0", "web")).status).toBe(137)
    const again = await host.run("pod", "start", "web")
    expect([again.status, again.stderr]).toEqual([125, expect.stringContaining("no such pod")])
    expect(await leftovers(host)).toEqual(nothing)
  })

  it("while it restores into a pod leaves a container that runs, or none", async () => {
    await host.ok("pod", "create", "--name", "web")
    await host.ok("run", "-d", "--name", "one", "--pod", "web", "base", ...counter)
    await host.beyond("one", 1)
    await host.ok("container", "checkpoint", "--create-image", "one:1", "one")
    await host.ok("rm", "one")
    for (const [file, find] of [
      ["restore/stage.ts", "yield* makeContainerDirectories(paths)"],
      ["restore/settle.ts", "const at = DateTime.formatIso(yield* DateTime.now)"],
    ] as const) {
      const killed = await host.with(await dying(file, find)).run("container", "restore", "--pod", "web", "one:1")
      expect(killed.status).toBe(137)
      await host.run("container", "restore", "--pod", "web", "one:1")
      await host.beyond("one", await host.last("one"))
      expect(await common(host, "one", await infraOf(host, "web"))).toEqual(["ipc", "net", "uts"])
      await host.ok("rm", "-f", "-t", "0", "one")
    }
    await host.ok("pod", "rm", "-f", "-t", "0", "web")
    expect(await leftovers(host)).toEqual(nothing)
  })

  it("eight pods are made and removed at once by as many processes", async () => {
    const names = Array.from({ length: 8 }, (_, at) => `pod${at}`)
    const made = await Promise.all(
      names.map((name) => host.run("run", "-d", "--pod", `new:${name}`, "base", "sleep", "1000")),
    )
    expect(made.map(({ status, stderr }) => [status, stderr])).toEqual(names.map(() => [0, ""]))
    expect((await host.ok("images", "--format", "{{.Repository}}")).split("\n").toSorted()).toEqual([
      "localhost/base",
      "localhost/cryopod-pause",
      "localhost/one",
    ])
    const gone = await Promise.all(names.map((name) => host.run("pod", "rm", "-f", "-t", "0", name)))
    expect(gone.map(({ status, stderr }) => [status, stderr])).toEqual(names.map(() => [0, ""]))
    expect(await leftovers(host)).toEqual(nothing)
  })
})
