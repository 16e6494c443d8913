/**
 * An unmodified `podman --remote` (5.4.2) on cryopod's service, and cryopod's own remote engine on a `podman system service`:
 * the same list of commands both ways.
 */
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import * as fs from "node:fs"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { type Registry, startRegistry } from "../../packages/images/test/registries.ts"
import { eventually, Host, project, type Ran, runCommand } from "./support/Host.ts"
import { counter, importBase } from "./support/workloads.ts"

/**
 * The networks of a container when it has been connected to one, and when it has been disconnected from another. It has not
 * run, so that nothing of them is on this machine.
 */
const connections = async (
  ok: (...args: ReadonlyArray<string>) => Promise<string>,
  refused: (...args: ReadonlyArray<string>) => Promise<Ran>,
  image: string,
) => {
  await ok("network", "create", "--subnet", "10.99.6.0/24", "back")
  const id = await ok("create", "--network", "podman", "--name", "joins", image, "true")
  const networks = async () => {
    const each = "{{range $name, $at := .NetworkSettings.Networks}}{{$name}} {{$at.Aliases}} {{end}}"
    return (await ok("inspect", "--format", each, "joins")).replaceAll(id.slice(0, 12), "<id>")
  }
  const chosen = ["--ip", "10.99.6.9", "--mac-address", "92:d0:c6:0a:29:38", "--alias", "x"]
  await ok("network", "connect", ...chosen, "back", "joins")
  const connected = await networks()
  await ok("network", "disconnect", "podman", "joins")
  const disconnected = await networks()
  for (const [args, text] of [
    [["connect", "nowhere", "joins"], "unable to find network with name or ID nowhere: network not found"],
    [["connect", "back", "nobody"], 'no container with name or ID "nobody" found: no such container'],
    [["disconnect", "-f", "podman", "joins"], "container joins is not connected to network podman"],
  ] as const) {
    expect(await refused("network", ...args)).toMatchObject({ status: 125, stderr: expect.stringContaining(text) })
  }
  await ok("rm", "joins")
  await ok("network", "rm", "back")
  return { connected, disconnected }
}

const expected = { connected: "back [x <id>] podman [<id>]", disconnected: "back [x <id>]" }

let ours: Host
let share = ""
let registry: Registry

/** A script in the peer, whose storage is this test's own; `/share` is seen from both sides. */
const peerWords = (script: string): readonly [string, ...Array<string>] => [
  "env",
  "PEER=podman5",
  `PEER_SHARE=${share}`,
  // Podman's CRIU puts limits of cgroups back as they were, so both sides have them laid out alike
  "PEER_LAYOUT=v1",
  join(project, "scripts/peer"),
  "enter",
  "bash",
  "-c",
  `set -eu
   mkdir -p /share/podman5 /var/lib/containers
   mount --bind /share/podman5 /var/lib/containers
   ${script}`,
]

/** Something that runs until it is ended; its own words are kept for failures. */
const background = (words: readonly [string, ...Array<string>]) => {
  const [file, ...args] = words
  const child = spawn(file, args, { stdio: ["ignore", "pipe", "pipe"] })
  const said: Array<string> = []
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => said.push(chunk.toString()))
  return { child, said }
}

/** A context to build from, and a Containerfile outside of it that fails. */
const writeContext = () => {
  const directory = join(share, "context")
  fs.mkdirSync(directory, { recursive: true })
  fs.writeFileSync(join(directory, "note"), "carried\n")
  fs.writeFileSync(
    join(directory, "Containerfile"),
    'FROM base\nCOPY note /note\nRUN echo made >/made\nCMD ["cat", "/note", "/made"]\n',
  )
  fs.writeFileSync(join(share, "outside"), "FROM base\nRUN exit 3\n")
}

const end = async (child: ChildProcess | undefined) => {
  if (child === undefined || child.exitCode !== null) return
  child.kill("SIGTERM")
  await once(child, "exit")
}

const socketAt = (path: string, said: ReadonlyArray<string>) =>
  eventually(async () => (fs.existsSync(path) ? true : undefined), `a service at ${path}: ${said.join("")}`)

beforeAll(async () => {
  const built = await runCommand(["env", "PEER=podman5", join(project, "scripts/peer"), "build"])
  if (built.status !== 0) throw new Error(built.stderr)
  ours = await Host.make({ runtime: "crun", cgroups: "v1", network: "machine" })
  await importBase(ours)
  share = join(ours.directory, "share")
  fs.mkdirSync(share)
  await ours.ok("save", "--format", "oci-archive", "-o", join(share, "base.tar"), "base")
  registry = await startRegistry()
})
afterAll(async () => {
  await registry.stop()
  await ours.dispose()
})

describe("podman --remote 5.4.2 on cryopod's service", () => {
  let service: ReturnType<typeof background>
  const podman = async (...args: ReadonlyArray<string>): Promise<Ran> => {
    const words = args.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(" ")
    return runCommand(peerWords(`podman --remote --url unix:///share/ours.sock ${words}`))
  }
  const ok = async (...args: ReadonlyArray<string>): Promise<string> => {
    const ran = await podman(...args)
    if (ran.status !== 0)
      throw new Error(`podman --remote ${args.join(" ")}: ${ran.status}\n${ran.stdout}${ran.stderr}`)
    return ran.stdout.trimEnd()
  }

  beforeAll(async () => {
    const path = join(share, "ours.sock")
    service = background(ours.command(["system", "service", "--time", "0", `unix://${path}`]))
    await socketAt(path, service.said)
  })
  afterAll(() => end(service.child))

  it("runs, lists, inspects, logs, freezes in place and thaws", async () => {
    const id = await ok("run", "-d", "--network", "none", "--name", "web", "base", ...counter)
    expect(id).toMatch(/^[0-9a-f]{64}$/)
    expect(await ok("ps", "--format", "{{.ID}} {{.Names}} {{.State}}")).toBe(`${id.slice(0, 12)} web running`)
    expect(await ok("inspect", "--format", "{{.Id}} {{.State.Status}} {{.OCIRuntime}}", "web")).toBe(
      `${id} running crun`,
    )
    const frozen = await ours.beyond("web", 2)
    expect(await ok("container", "checkpoint", "web")).toBe("web")
    expect(await ok("inspect", "--format", "{{.State.Status}} {{.State.Checkpointed}}", "web")).toBe("exited true")
    expect(await ok("container", "restore", "web")).toBe("web")
    await ours.beyond("web", frozen)
    const said = (await ok("logs", "web")).split("\n").map(Number)
    expect(said).toEqual(said.map((_, at) => at))
    expect(await podman("run", "--rm", "--network", "none", "base", "sh", "-c", "echo out; exit 3")).toMatchObject({
      status: 3,
      stdout: "out\n",
      stderr: "",
    })
    expect(await ok("exec", "web", "echo", "inside")).toBe("inside")
  })

  it("runs programs that end at once and remove themselves, losing no word and no exit code", async () => {
    const script = `for turn in 1 2 3 4 5 6 7 8; do
      podman --remote --url unix:///share/ours.sock run --rm --network none base sh -c "echo $turn; exit $turn" || echo $?
    done`
    const { stderr, stdout } = await runCommand(peerWords(script))
    expect([stdout, stderr]).toEqual([[1, 2, 3, 4, 5, 6, 7, 8].map((turn) => `${turn}\n${turn}\n`).join(""), ""])
  })

  it("freezes into an image, pushes and pulls it, and thaws that", async () => {
    const frozen = await ours.last("web")
    await ok("container", "checkpoint", "--create-image", "frozen:1", "web")
    expect(await ok("images", "--format", "{{.Repository}}:{{.Tag}}")).toContain("localhost/frozen:1")
    const remote = `${registry.address}/team/frozen:1`
    await ok("push", "--tls-verify=false", "localhost/frozen:1", remote)
    await ok("rm", "web")
    await ok("rmi", "localhost/frozen:1")
    await ok("pull", "--tls-verify=false", remote)
    const id = await ok("container", "restore", remote)
    expect(id).toMatch(/^[0-9a-f]{64}$/)
    await ours.beyond("web", frozen)
    await ok("rm", "-f", "-t", "0", "web")
    await ok("rmi", remote)
    expect(await ok("ps", "-aq")).toBe("")
  })

  it("freezes into an archive on its own side, and thaws that", async () => {
    await ok("run", "-d", "--network", "none", "--name", "far", "base", ...counter)
    const frozen = await ours.beyond("far", 2)
    await ok("container", "checkpoint", "-e", "/share/far.tar", "far")
    await ok("rm", "far")
    expect(fs.readFileSync(join(share, "far.tar")).subarray(257, 262).toString("latin1")).toBe("ustar")
    expect(await ok("container", "restore", "-i", "/share/far.tar")).toMatch(/^[0-9a-f]{64}$/)
    await ours.beyond("far", frozen)
    await ok("rm", "-f", "-t", "0", "far")
  })

  it("connects a container to a network, and disconnects it", async () =>
    expect(await connections(ok, podman, "base")).toEqual(expected))

  it("builds an image", async () => {
    writeContext()
    expect((await ok("build", "-t", "built", "/share/context")).split("\n").at(-1)).toMatch(/^[0-9a-f]{64}$/)
    expect(await ours.ok("run", "--rm", "--network", "none", "built")).toBe("carried\nmade")
    expect(await podman("build", "-f", "/share/outside", "/share/context")).toMatchObject({
      status: 3,
      stderr: expect.stringContaining('building at STEP "RUN exit 3"') as string,
    })
    await ok("rmi", "built")
  })
})

describe("cryopod on podman system service 5.4.2", () => {
  let service: ReturnType<typeof background>
  const url = () => `unix://${join(share, "theirs.sock")}`
  const remote = (...args: ReadonlyArray<string>) => ours.run("--url", url(), ...args)
  const ok = (...args: ReadonlyArray<string>) => ours.ok("--url", url(), ...args)
  const last = async (ref: string) => Number((await ok("logs", "--tail", "1", ref)).trim())
  const beyond = (ref: string, number: number) =>
    eventually(async () => {
      const said = await last(ref)
      return said > number ? said : undefined
    }, `${ref} to count beyond ${number}`)

  beforeAll(async () => {
    service = background(
      peerWords(`podman load -qi /share/base.tar >/dev/null
       exec podman --runtime crun system service --time 0 unix:///share/theirs.sock`),
    )
    await socketAt(join(share, "theirs.sock"), service.said)
  })
  afterAll(() => end(service.child))

  it("runs, lists, inspects, logs, freezes in place and thaws", async () => {
    const id = await ok("run", "-d", "--network", "none", "--name", "web", "localhost/base:latest", ...counter)
    expect(id).toMatch(/^[0-9a-f]{64}$/)
    expect(await ok("ps", "--format", "{{.ID}} {{.Names}} {{.State}}")).toBe(`${id.slice(0, 12)} web running`)
    expect(await ok("inspect", "--format", "{{.Id}} {{.State.Status}} {{.OCIRuntime}}", "web")).toBe(
      `${id} running crun`,
    )
    const frozen = await beyond("web", 2)
    expect(await ok("container", "checkpoint", "web")).toBe("web")
    expect(await ok("inspect", "--format", "{{.State.Status}} {{.State.Checkpointed}}", "web")).toBe("exited true")
    expect(await ok("container", "restore", "web")).toBe("web")
    await beyond("web", frozen)
    // found in whichever state on its way to the end
    const short = [
      "run",
      "--network",
      "none",
      "--name",
      "short",
      "localhost/base:latest",
      "sh",
      "-c",
      "echo out; exit 3",
    ]
    for (let turn = 0; turn < 4; turn++) {
      expect(await remote(...short)).toMatchObject({ status: 3, stdout: "out\n", stderr: "" })
      await ok("rm", "short")
    }
    expect(await ok("exec", "web", "echo", "inside")).toBe("inside")
  })

  it("runs programs that end at once and remove themselves, losing no word and no exit code", async () => {
    const brief = ["run", "--rm", "--network", "none", "localhost/base:latest"]
    // several at a time, so that each of them is kept waiting now and then
    for (let turn = 0; turn < 8; turn++) {
      const three = [0, 1, 2].map((other) => turn * 3 + other)
      const ran = await Promise.all(three.map((code) => remote(...brief, "sh", "-c", `echo ${code}; exit ${code}`)))
      expect(ran).toEqual(
        three.map((code) => expect.objectContaining({ status: code, stdout: `${code}\n`, stderr: "" }) as unknown),
      )
    }
    for (let turn = 0; turn < 4; turn++)
      expect(await remote(...brief, "true")).toMatchObject({ status: 0, stdout: "", stderr: "" })
    expect(await ok("ps", "-a", "--filter", "status=exited", "--noheading")).toBe("")
  })

  it("mounts volumes, directories of that host and memory", async () => {
    const image = "localhost/base:latest"
    const mounts = ["-v", "kept:/data", "-v", "/share:/share:ro", "-v", "/scratch", "--tmpfs", "/memory:size=1m"]
    const also = ["--mount", "type=tmpfs,destination=/more"]
    const script = "echo word > /data/note; grep -cE ' /(data|share|scratch|memory|more) ' /proc/mounts; touch /share/x"
    expect(
      await remote("run", "--rm", "--network", "none", ...mounts, ...also, image, "sh", "-c", script),
    ).toMatchObject({ status: 1, stdout: "5\n", stderr: expect.stringContaining("Read-only file system") as string })
    await ok("create", "--network", "none", "--name", "owner", "-v", "kept:/data", image, "true")
    const shared = ["run", "--rm", "--network", "none", "--volumes-from", "owner:ro", image]
    expect(await ok(...shared, "cat", "/data/note")).toBe("word")
    expect(await remote(...shared, "touch", "/data/note")).toMatchObject({ status: 1 })
    await ok("rm", "owner")
    // what nobody named has gone with its container
    expect(await ok("volume", "ls", "-q")).toBe("kept")
    await ok("volume", "rm", "kept")
    expect(await remote("create", "-v", "/nowhere:/x", image)).toMatchObject({
      status: 125,
      stderr: "Error: statfs /nowhere: no such file or directory\n",
    })
  })

  it("freezes into an image, pushes and pulls it, and thaws that", async () => {
    const frozen = await last("web")
    await ok("container", "checkpoint", "--create-image", "frozen:1", "web")
    expect(await ok("images", "--format", "{{.Repository}}:{{.Tag}}")).toContain("localhost/frozen:1")
    const place = `${registry.address}/team/frozen:2`
    await ok("push", "--tls-verify=false", "localhost/frozen:1", place)
    await ok("rm", "web")
    await ok("rmi", "localhost/frozen:1")
    await ok("pull", "--tls-verify=false", place)
    expect(await ok("container", "restore", place)).toMatch(/^[0-9a-f]{64}$/)
    await beyond("web", frozen)
    await ok("rm", "-f", "-t", "0", "web")
    await ok("rmi", place)
    expect(await ok("ps", "-aq")).toBe("")
  })

  it("freezes into an archive on its own side, and thaws that", async () => {
    await ok("run", "-d", "--network", "none", "--name", "far", "localhost/base:latest", ...counter)
    const frozen = await beyond("far", 2)
    const path = join(ours.directory, "far-theirs.tar")
    await ok("container", "checkpoint", "-e", path, "far")
    await ok("rm", "far")
    // that service sends plain tar: what was asked for is done on this side
    expect(fs.readFileSync(path).subarray(0, 4).toString("hex")).toBe("28b52ffd")
    expect(await ok("container", "restore", "-i", path)).toMatch(/^[0-9a-f]{64}$/)
    await beyond("far", frozen)
  })

  it("connects a container to a network, and disconnects it", async () =>
    expect(await connections(ok, remote, "localhost/base:latest")).toEqual(expected))

  it("builds an image", async () => {
    writeContext()
    const directory = join(share, "context")
    expect((await ok("build", "-t", "built", directory)).split("\n").at(-1)).toMatch(/^[0-9a-f]{64}$/)
    expect(await ok("run", "--name", "of-built", "--network", "none", "built")).toBe("carried\nmade")
    await ok("rm", "of-built")
    expect(await remote("build", "-f", join(share, "outside"), directory)).toMatchObject({
      status: 3,
      stderr: expect.stringContaining('building at STEP "RUN exit 3"') as string,
    })
    await ok("rmi", "-f", "built")
  })

  it("refuses what that service would leave out without a word", async () => {
    const refused: ReadonlyArray<readonly [ReadonlyArray<string>, string]> = [
      [
        ["container", "checkpoint", "-e", "/tmp/never.tar", "--ignore-volumes", "far"],
        "leaving the volumes out of a checkpoint's archive",
      ],
      [
        ["container", "restore", "-p", "80:80", "-p", "81:81", "-i", join(ours.directory, "far-theirs.tar")],
        "publishing several ports of a restored container",
      ],
      [["--runtime", "runc", "create", "localhost/base"], "the runtime runc"],
      [["--runtime", "runc", "pod", "create"], "the runtime runc"],
      [["--runtime", "runc", "container", "restore", "-i", join(ours.directory, "far-theirs.tar")], "the runtime runc"],
      [["container", "restore", "--policy", "trusted", "localhost/base"], "a policy for what is restored"],
      [["container", "checkpoint", "--ghost-limit", "10m", "far"], "CRIU's option ghost-limit"],
      [["container", "checkpoint", "--link-remap", "far"], "CRIU's option link-remap"],
      [["container", "checkpoint", "--network-lock", "skip", "far"], "CRIU's option network-lock"],
      [["container", "restore", "--ext-unix-sk", "localhost/base"], "CRIU's option ext-unix-sk"],
      [["container", "checkpoint", "--dry-run", "far"], "saying what a checkpoint would be"],
      [["system", "check"], "looking whether its host can checkpoint"],
    ]
    for (const [args, what] of refused) {
      expect(await remote(...args)).toMatchObject({
        status: 125,
        stderr: `Error: ${what} is not supported by this service\n`,
      })
    }
    expect(await remote("--runtime", "/usr/bin/crun", "create", "localhost/base")).toMatchObject({
      status: 125,
      stderr: expect.stringContaining("goes by its name, runc or crun, not by a path") as string,
    })
    expect(await ok("inspect", "--format", "{{.State.Status}}", "far")).toBe("running")
    expect(await remote("rm", "nobody")).toMatchObject({ status: 1 })
    expect(await remote("container", "restore", "localhost/base")).toMatchObject({
      status: 125,
      stderr: expect.stringMatching(/^Error: image is not a checkpoint: /),
    })
    await ok("rm", "-f", "-t", "0", "far")
  })
})
