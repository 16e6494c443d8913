/** A container leaves a pod here and goes on in a pod of a real Podman, and the other way round. */
import * as fs from "node:fs"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { Host, project, type Ran, runCommand } from "./support/Host.ts"
import { counter, importBase } from "./support/workloads.ts"

const peer = join(project, "scripts/peer")

/** A command in the peer, with a state of its own for this test. */
const inPeer = (script: string, share: string): Promise<Ran> =>
  runCommand(["env", `PEER_SHARE=${share}`, "PEER_LAYOUT=v1", peer, "enter", "bash", "-c", `set -eu\n${script}`])

beforeAll(async () => {
  const built = await runCommand([peer, "build"])
  if (built.status !== 0) throw new Error(built.stderr)
})

/** Podman's CRIU puts limits of cgroups back as they were, so both sides have them laid out alike. */
describe.each([
  { runtime: "runc", cgroups: "host" },
  { runtime: "crun", cgroups: "v1" },
] as const)("with $runtime", ({ cgroups, runtime }) => {
  const unique = `${runtime}-${process.pid}`
  const [base, ours, theirs, pod] = [`base-${unique}`, `ours-${unique}`, `theirs-${unique}`, `pod-${unique}`] as const
  let host: Host
  let share = ""
  beforeAll(async () => {
    host = await Host.make({ runtime, cgroups })
    await importBase(host, () => undefined, base)
    share = join(host.directory, "share")
    fs.mkdirSync(share)
    await host.ok("push", base, `docker-archive:${share}/base.tar:localhost/${base}:latest`)
    expect(await inPeer(`podman load -q -i /share/base.tar`, share)).toMatchObject({ status: 0 })
  })
  afterAll(async () => {
    await inPeer(
      `podman pod rm -f -t 0 ${pod} >/dev/null
       podman rmi -f ${base} ${ours}:1 ${theirs}:1 >/dev/null`,
      share,
    )
    await host.dispose()
  })

  it("ours goes on in a pod of Podman's", async () => {
    await host.ok("pod", "create", "--network", "none", "--name", "web")
    await host.ok("run", "-d", "--name", ours, "--pod", "web", base, ...counter)
    await host.ok("exec", ours, "sh", "-c", "echo memory > /dev/shm/note; echo disk > /etc/note")
    await host.beyond(ours, 3)
    await host.ok("container", "checkpoint", "--create-image", `${ours}:1`, ours)
    const frozen = await host.last(ours)
    await host.ok("push", `${ours}:1`, `oci-archive:${share}/ours.tar:localhost/${ours}:1`)
    const ran = await inPeer(
      `podman load -q -i /share/ours.tar >/dev/null
       podman pod create --name ${pod} --network none >/dev/null
       podman --runtime ${runtime} container restore --pod ${pod} ${ours}:1 >/dev/null
       sleep 1
       podman exec ${ours} cat /dev/shm/note /etc/note
       podman inspect --format '{{.State.Status}} {{.HostConfig.UTSMode}}' ${ours}
       podman pod inspect --format 'container:{{.InfraContainerID}}' ${pod}
       podman logs --tail 1 ${ours}
       podman pod rm -f -t 0 ${pod} >/dev/null`,
      share,
    )
    expect([ran.status, ran.stderr]).toEqual([0, ""])
    const [memory, disk, state, infra, number] = ran.stdout.trim().split("\n")
    expect([memory, disk, state]).toEqual(["memory", "disk", `running ${infra}`])
    expect(Number(number)).toBeGreaterThan(frozen)
  })

  it("theirs goes on in a pod of ours", async () => {
    const made = await inPeer(
      `podman pod create --name ${pod} --network none >/dev/null
       podman --runtime ${runtime} run -d --name ${theirs} --pod ${pod} ${base} sh -c '${counter[2] ?? ""}' >/dev/null
       sleep 1
       podman exec ${theirs} sh -c 'echo memory > /dev/shm/note; echo disk > /etc/note'
       podman --runtime ${runtime} container checkpoint --create-image ${theirs}:1 ${theirs} >/dev/null
       podman logs --tail 1 ${theirs}
       podman save -q --format oci-archive -o /share/theirs.tar ${theirs}:1
       podman pod rm -f -t 0 ${pod} >/dev/null`,
      share,
    )
    expect([made.status, made.stderr]).toEqual([0, ""])
    const last = Number(made.stdout.trim())
    expect(last).toBeGreaterThan(0)
    await host.ok("load", "-i", join(share, "theirs.tar"))
    expect(await host.run("container", "restore", `${theirs}:1`)).toMatchObject({
      status: 125,
      stderr: expect.stringContaining("cannot restore pod container without --pod"),
    })
    await host.ok("pod", "create", "--network", "none", "--name", "next")
    await host.ok("container", "restore", "--pod", "next", `${theirs}:1`)
    await host.beyond(theirs, last)
    expect(await host.ok("exec", theirs, "sh", "-c", "cat /dev/shm/note /etc/note; hostname")).toBe(
      "memory\ndisk\nnext",
    )
  })
})
