/** A real Podman 5.4 and its neighbours read what cryopod writes, and the other way round. */
import { type ChildProcess, spawn } from "node:child_process"
import * as fs from "node:fs"
import * as net from "node:net"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { eventually, Host, project, type Ran, runCommand } from "./support/Host.ts"
import { counter, importBase } from "./support/workloads.ts"

const peer = join(project, "scripts/peer")
const inPeer = (script: string, share: string, layout = "v2"): Promise<Ran> =>
  runCommand(["env", `PEER_SHARE=${share}`, `PEER_LAYOUT=${layout}`, peer, "enter", "bash", "-c", `set -eu\n${script}`])

const freePort = () =>
  new Promise<number>((resolve) => {
    const server = net.createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as net.AddressInfo
      server.close(() => resolve(port))
    })
  })

let registry = ""
let serving: ChildProcess
let directory = ""

beforeAll(async () => {
  const built = await runCommand([peer, "build"])
  if (built.status !== 0) throw new Error(built.stderr)
  directory = fs.mkdtempSync("/var/tmp/cryopod-registry.")
  const port = await freePort()
  registry = `127.0.0.1:${port}`
  fs.writeFileSync(
    join(directory, "config.yml"),
    `version: 0.1\nlog: { level: error }\nstorage: { filesystem: { rootdirectory: ${directory}/store } }\nhttp: { addr: ${registry} }\n`,
  )
  serving = spawn("docker-registry", ["serve", join(directory, "config.yml")], { stdio: "ignore" })
  await eventually(
    () =>
      new Promise<true | undefined>((resolve) => {
        const socket = net.connect(port, "127.0.0.1", () => resolve(true))
        socket.once("error", () => resolve(undefined))
        socket.once("connect", () => socket.destroy())
      }),
    "the registry",
  )
})
afterAll(async () => {
  await runCommand([peer, "enter", "bash", "-c", "podman rm -af -t 0; podman rmi -af"])
  serving.kill()
  fs.rmSync(directory, { recursive: true, force: true })
})

/** Podman's CRIU puts limits of cgroups back as they were, so both sides have them laid out alike. */
const hosts = [
  { runtime: "runc", cgroups: "host" },
  { runtime: "crun", cgroups: "v1" },
] as const

describe.each(hosts)("with $runtime", ({ cgroups, runtime }) => {
  let host: Host
  beforeAll(async () => {
    host = await Host.make({ runtime, cgroups, network: "machine" })
    await importBase(host, (rootfs) => {
      fs.writeFileSync(join(rootfs, "etc/motd"), "old\n")
      fs.writeFileSync(join(rootfs, "etc/gone"), "gone\n")
    })
    await host.ok("tag", "base", `${registry}/base:${runtime}`)
    await host.ok("push", "--tls-verify=false", `${registry}/base:${runtime}`)
  })
  afterAll(() => host.dispose())

  let counted = 0
  const frozen = () => `${registry}/frozen:${runtime}`

  beforeAll(async () => {
    const ours = ["--network", "none", "--name", `ours-${runtime}`, `${registry}/base:${runtime}`]
    await host.ok("run", "-d", ...ours, ...counter)
    await host.ok(
      "exec",
      `ours-${runtime}`,
      "sh",
      "-c",
      "echo new > /etc/motd; rm /etc/gone; echo added > /etc/added; echo memory > /dev/shm/note",
    )
    await host.beyond(`ours-${runtime}`, 3)
    await host.ok("container", "checkpoint", "--create-image", frozen(), `ours-${runtime}`)
    counted = await host.last(`ours-${runtime}`)
    await host.ok("push", "--tls-verify=false", frozen())
    await host.ok("rm", `ours-${runtime}`)
  })

  it("Podman restores a checkpoint image of ours and it goes on counting", async () => {
    const ran = await inPeer(
      `podman pull -q ${registry}/base:${runtime} ${frozen()} >/dev/null
       podman --runtime ${runtime} container restore ${frozen()} >/dev/null ||
         { grep -h Error /var/lib/containers/storage/overlay-containers/*/userdata/restore.log >&2; exit 1; }
       sleep 1
       podman exec ours-${runtime} sh -c 'cat /etc/motd /etc/added /dev/shm/note; test -e /etc/gone || echo removed'
       podman inspect --format '{{.State.Status}} {{.OCIRuntime}}' ours-${runtime}
       podman logs --tail 1 ours-${runtime}
       podman rm -f -t 0 ours-${runtime} >/dev/null; podman rmi -af >/dev/null`,
      directory,
      "v1",
    )
    expect([ran.status, ran.stderr]).toEqual([0, ""])
    const [motd, added, note, removed, state, number] = ran.stdout.trim().split("\n")
    expect([motd, added, note, removed, state]).toEqual(["new", "added", "memory", "removed", `running ${runtime}`])
    expect(Number(number)).toBeGreaterThan(counted)
  })

  it("a checkpoint image of Podman's goes on here", async () => {
    const image = `${registry}/theirs:${runtime}`
    const made = await inPeer(
      `podman pull -q ${registry}/base:${runtime} >/dev/null
       podman --runtime ${runtime} run -d --network none --name theirs-${runtime} ${registry}/base:${runtime} sh -c '${counter[2] ?? ""}' >/dev/null
       sleep 1
       podman exec theirs-${runtime} sh -c 'echo added > /srv-added; rm /etc/gone; echo memory > /dev/shm/note'
       podman --runtime ${runtime} container checkpoint --create-image ${image} theirs-${runtime} >/dev/null
       podman logs --tail 1 theirs-${runtime}
       podman push -q ${image}
       podman rm -f theirs-${runtime} >/dev/null; podman rmi -af >/dev/null`,
      directory,
    )
    expect([made.status, made.stderr]).toEqual([0, ""])
    const last = Number(made.stdout.trim())
    expect(last).toBeGreaterThan(0)
    await host.ok("pull", "--tls-verify=false", image)
    await host.ok("container", "restore", image)
    await host.beyond(`theirs-${runtime}`, last)
    expect(
      await host.ok(
        "exec",
        `theirs-${runtime}`,
        "sh",
        "-c",
        "cat /srv-added /dev/shm/note; test -e /etc/gone || echo removed",
      ),
    ).toBe("added\nmemory\nremoved")
    await host.ok("rm", "-ft0", `theirs-${runtime}`)
  })

  it("skopeo, umoci and checkpointctl read our image", async () => {
    const share = join(host.directory, "share")
    fs.mkdirSync(share)
    await host.ok("push", frozen(), `oci:${share}/layout:frozen`)
    const ran = await inPeer(
      `cd /share
       skopeo inspect --raw oci:layout:frozen | jq -r '.annotations["org.criu.checkpoint.container.name"]'
       umoci raw unpack --image layout:frozen unpacked >/dev/null 2>&1
       ls unpacked | tr '\\n' ' '; echo
       digest=$(skopeo inspect --raw oci:layout:frozen | jq -r '.layers[0].digest' | cut -d: -f2)
       cp layout/blobs/sha256/$digest checkpoint.tar
       checkpointctl show checkpoint.tar
       checkpointctl inspect --ps-tree --stats checkpoint.tar`,
      share,
    )
    expect([ran.status, ran.stderr]).toEqual([0, ""])
    const [name, members] = ran.stdout.split("\n")
    expect(name).toBe(`ours-${runtime}`)
    for (const member of [
      "checkpoint",
      "config.dump",
      "spec.dump",
      "rootfs-diff.tar",
      "deleted.files",
      "devshm-checkpoint.tar",
    ]) {
      expect(members?.split(" ")).toContain(member)
    }
    expect(ran.stdout).toMatch(new RegExp(`ours-${runtime}.*Podman`))
    expect(ran.stdout).toContain("[1]  sh")
  })
})
