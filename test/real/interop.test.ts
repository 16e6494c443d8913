/**
 * What cryopod writes goes on in a real Podman, and what two Podmans write goes on here: each cell of the table in the
 * README is the test of its name.
 */
import * as fs from "node:fs"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { Host, project, type Ran, runCommand } from "./support/Host.ts"
import { counter, importBase } from "./support/workloads.ts"

/** Each with the runtime that its distribution lets it make checkpoints with. */
const peers = {
  "Podman 5.4.2": { peer: "podman5", runtime: "crun" },
  "Podman 4.3.1": { peer: "podman4", runtime: "runc" },
} as const
type Peer = keyof typeof peers

const forms = ["archive", "image"] as const
const cargoes = ["plain", "volume", "rootfs diff", "bridge network"] as const
type Cargo = (typeof cargoes)[number]

/** What makes a container differ from a plain one: how it is run, what is done in it, what must be found in it again. */
const cargo: Readonly<
  Record<Cargo, { readonly run: string; readonly change: string; readonly find: string; readonly found: string }>
> = {
  plain: { run: "--network none", change: "echo memory > /dev/shm/note", find: "cat /dev/shm/note", found: "memory" },
  volume: {
    run: "--network none -v vol:/data",
    change: "echo kept > /data/note; chown 33:44 /data/note",
    find: "cat /data/note; stat -c %u:%g /data/note",
    found: "kept 33:44",
  },
  "rootfs diff": {
    run: "--network none",
    change: "echo new > /etc/motd; echo added > /etc/added; rm /etc/gone",
    find: "cat /etc/motd /etc/added; test -e /etc/gone || echo removed",
    found: "new added removed",
  },
  "bridge network": {
    run: "--network podman:ip=10.88.7.7,mac=92:d0:c6:0a:29:07 -p 8080:80",
    change: "true",
    find: 'ip -4 -o addr show eth0 | tr -s " " | cut -d" " -f4; cat /sys/class/net/eth0/address; grep -c 10.88.7.7 /etc/hosts',
    found: "10.88.7.7/16 92:d0:c6:0a:29:07 1",
  },
}
const nameOf = (of: Cargo) => of.replace(" ", "-")

let ours: Host
let share = ""

/** A script in a peer, whose storage is this test's own. */
const inPeer = (peer: Peer, script: string): Promise<Ran> =>
  runCommand([
    "env",
    `PEER=${peers[peer].peer}`,
    `PEER_SHARE=${share}`,
    // Podman's CRIU puts limits of cgroups back as they were, so both sides have them laid out alike
    "PEER_LAYOUT=v1",
    // bridges of Podman's are none of this machine's
    "unshare",
    "--net",
    join(project, "scripts/peer"),
    "enter",
    "bash",
    "-c",
    `set -eu
     ip link set lo up
     mkdir -p /share/${peers[peer].peer} /var/lib/containers
     mount --bind /share/${peers[peer].peer} /var/lib/containers
     podman load -qi /share/base.tar >/dev/null
     ${script}`,
  ])

beforeAll(async () => {
  for (const { peer } of Object.values(peers)) {
    const built = await runCommand(["env", `PEER=${peer}`, join(project, "scripts/peer"), "build"])
    if (built.status !== 0) throw new Error(built.stderr)
  }
  ours = await Host.make({ runtime: "crun", cgroups: "v1" })
  await importBase(ours, (rootfs) => {
    fs.writeFileSync(join(rootfs, "etc/motd"), "old\n")
    fs.writeFileSync(join(rootfs, "etc/gone"), "gone\n")
    fs.mkdirSync(join(rootfs, "data"))
  })
  share = join(ours.directory, "share")
  fs.mkdirSync(share)
  await ours.ok("save", "--format", "oci-archive", "-o", join(share, "base.tar"), "base")
})
afterAll(() => ours.dispose())

const removeFrom = async (host: Host) => {
  await host.ok("rm", "-a", "-f", "-t", "0")
  await host.ok("volume", "rm", "-a")
}

/** What a side said of a container when it was frozen, or after it went on. */
type Said = Readonly<Record<string, string>>
const lines = (text: string): Said =>
  Object.fromEntries(
    text
      .trim()
      .split("\n")
      .map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1)]),
  )

describe("cryopod → Podman 5.4.2", () => {
  const counted: Record<string, number> = {}
  let restored: Said = {}

  beforeAll(async () => {
    for (const of of cargoes) {
      const name = nameOf(of)
      await ours.ok(
        "run",
        "-d",
        "--name",
        name,
        ...cargo[of].run.split(" ").filter((word) => word !== ""),
        "base",
        ...counter,
      )
      await ours.beyond(name, 1)
      await ours.ok("exec", name, "sh", "-c", cargo[of].change)
      await ours.ok("container", "checkpoint", "-R", "-e", join(share, `ours-${name}.tar.zst`), name)
      await ours.ok("container", "checkpoint", "--create-image", `ours:${name}`, name)
      await ours.ok("save", "--format", "oci-archive", "-o", join(share, `ours-${name}.oci`), `ours:${name}`)
      counted[name] = await ours.last(name)
    }
    await removeFrom(ours)
    const ran = await inPeer(
      "Podman 5.4.2",
      `goes_on() { # FORM NAME COUNTED FIND RESTORE...
         form=$1 name=$2 counted=$3 find=$4; shift 4
         if podman --runtime crun container restore "$@" >/dev/null 2>/tmp/said; then
           for try in $(seq 100); do [ "$(podman logs --tail 1 $name)" -le $counted ] || break; sleep 0.1; done
           echo "$form $name:$(podman exec $name sh -c "$find" | tr '\\n' ' ')$(podman logs --tail 1 $name)"
         else
           echo "$form $name:$(tail -n 3 /tmp/said | tr '\\n' ' ')$(grep -h Error /var/lib/containers/storage/overlay-containers/*/userdata/restore.log | tr '\\n' ' ')"
         fi
         podman rm -af -t 0 >/dev/null; podman volume rm -af >/dev/null
       }
       ${cargoes
         .map(
           (of) => `
         goes_on archive ${nameOf(of)} ${counted[nameOf(of)]} '${cargo[of].find}' --import /share/ours-${nameOf(of)}.tar.zst
         podman load -qi /share/ours-${nameOf(of)}.oci >/dev/null
         goes_on image ${nameOf(of)} ${counted[nameOf(of)]} '${cargo[of].find}' localhost/ours:${nameOf(of)}`,
         )
         .join("\n")}`,
    )
    if (ran.status !== 0) throw new Error(ran.stderr + ran.stdout)
    restored = lines(ran.stdout)
  })

  describe.each(forms)("%s", (form) => {
    it.each(cargoes)("%s", (of) => {
      const words = (restored[`${form} ${nameOf(of)}`] ?? "").split(" ")
      expect(words.slice(0, -1).join(" ")).toBe(cargo[of].found)
      expect(Number(words.at(-1))).toBeGreaterThan(counted[nameOf(of)] ?? Number.NaN)
    })
  })
})

describe.each(Object.keys(peers) as ReadonlyArray<Peer>)("%s → cryopod", (peer) => {
  const { runtime } = peers[peer]
  let host: Host
  let counted: Said = {}
  const from = (name: string) => join(share, `${peers[peer].peer}-${name}`)

  beforeAll(async () => {
    host = runtime === "crun" ? ours : await Host.make({ runtime, cgroups: "v1" })
    if (host !== ours) await host.ok("load", "-i", join(share, "base.tar"))
    const ran = await inPeer(
      peer,
      `freeze() { # NAME CHANGE RUN...
         name=$1 change=$2; shift 2
         podman --runtime ${runtime} run -d --name $name "$@" base sh -c '${counter[2] ?? ""}' >/dev/null
         sleep 0.5
         podman exec $name sh -c "$change"
         podman --runtime ${runtime} container checkpoint -R -e /share/${peers[peer].peer}-$name.tar.zst $name >/dev/null
         podman --runtime ${runtime} container checkpoint --create-image theirs:$name $name >/dev/null
         podman save -q --format oci-archive -o /share/${peers[peer].peer}-$name.oci theirs:$name
         echo "$name:$(podman logs --tail 1 $name)"
       }
       ${cargoes.map((of) => `freeze ${nameOf(of)} '${cargo[of].change}' ${cargo[of].run}`).join("\n")}`,
    )
    if (ran.status !== 0) throw new Error(ran.stderr + ran.stdout)
    counted = lines(ran.stdout)
  })

  afterAll(() => (host === ours ? undefined : host.dispose()))

  describe.each(forms)("%s", (form) => {
    it.each(cargoes)("%s", async (of) => {
      const name = nameOf(of)
      if (form === "archive") await host.ok("container", "restore", "--import", `${from(name)}.tar.zst`)
      else {
        await host.ok("load", "-i", `${from(name)}.oci`)
        await host.ok("container", "restore", `localhost/theirs:${name}`)
      }
      // the archive was made some time before the image
      await host.beyond(name, Number(counted[name]))
      expect((await host.ok("exec", name, "sh", "-c", cargo[of].find)).split("\n").join(" ")).toBe(cargo[of].found)
      // Podman takes the log some time after the memory, but nothing begins anew
      expect((await host.numbers(name)).filter((number) => number === 0).length).toBeLessThanOrEqual(1)
      await removeFrom(host)
      if (form === "image") await host.ok("rmi", `localhost/theirs:${name}`)
    })
  })
})

it("a dump of a crun that hides directories in its own way goes on here", async () => {
  const ran = await inPeer(
    "Podman 4.3.1",
    `crun=$(command -v crun)
     podman --runtime $crun run -d --network none --name newer base sh -c '${counter[2] ?? ""}' >/dev/null
     sleep 0.5
     podman --runtime $crun container checkpoint -e /share/newer.tar newer >/dev/null
     podman logs --tail 1 newer`,
  )
  expect([ran.status, ran.stderr]).toEqual([0, ""])
  await ours.ok("container", "restore", "-i", join(share, "newer.tar"))
  await ours.beyond("newer", Number(ran.stdout))
  expect(await ours.ok("exec", "newer", "sh", "-c", "ls /sys/firmware; cat /proc/keys; echo hidden")).toBe("hidden")
  await ours.ok("container", "checkpoint", "newer")
  await ours.ok("container", "restore", "newer")
  await ours.beyond("newer", await ours.last("newer"))
  await removeFrom(ours)
})
