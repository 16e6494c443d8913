/**
 * What other engines lose, and this one does not. The numbers are those of the list of Podman's defects that the project
 * keeps (`docs/losses.md`). Each guarantee is tried again with its protection taken out of the program.
 */
import { once } from "node:events"
import * as fs from "node:fs"
import { join } from "node:path"
import { describe } from "vitest"
import { rewritten, withoutEqual } from "./support/craft.ts"
import { changed, lost, refused, standing, surroundings, withoutProcesses } from "./support/lost.ts"
import { abi, counting, forgetfulRepair, proven } from "./support/proven.ts"
import { eventually, type Host, project } from "./support/Host.ts"
import { imagesOf } from "./support/programs.ts"
import { counter, millions } from "./support/workloads.ts"

const complain = (fine: boolean, otherwise: string): ReadonlyArray<string> => (fine ? [] : [otherwise])

const pidOf = (host: Host, name: string) => host.inspect(name, "{{.State.Pid}}")

/** A container that sleeps after some work, which has been done. */
const sleeping = async (host: Host, script: string, ...options: ReadonlyArray<string>) => {
  await host.ok("run", "-d", "--name", "web", ...options, "base", "sh", "-c", `${script}; echo ready; exec sleep 1000`)
  for (let tries = 0; (await host.ok("logs", "web")).trim() !== "ready"; tries++) {
    if (tries > 50) throw new Error("the container did not get ready")
  }
}

describe("the checkpoint that was asked for", () => {
  proven([
    {
      title: "P1: of several images in one call, each container has its own memory",
      complaint: "has the memory of another",
      protection: [
        abi(
          "restore/restore.ts",
          "return yield* restoreNew(yield* openImage(image, input), options)",
          "const opened = yield* openImage(image, input)\nglobalThis.pages ??= opened.members\nreturn yield* restoreNew({ ...opened, members: globalThis.pages }, options)",
        ),
      ],
      happens: async (host) => {
        await counting(host, "ones")
        await host.ok("run", "-d", "--network", "none", "--name", "big", "base", ...millions)
        await host.beyond("big", 1_000_000)
        await host.ok("container", "checkpoint", "--create-image", "ones:1", "ones")
        await host.ok("container", "checkpoint", "--create-image", "big:1", "big")
        await host.ok("rm", "ones", "big")
        const ran = await host.run("container", "restore", "ones:1", "big:1")
        if (ran.status !== 0) return [ran.stderr]
        const before = await host.last("big")
        await host.shell("sleep 0.5")
        const after = Number((await host.ok("logs", "--tail", "1", "big")).trim())
        return [
          ...(await lost(host, "ones")),
          ...complain(after >= 1_000_000 && after > before, "one has the memory of another"),
        ]
      },
    },
    {
      title: "P3: several containers for one image are refused before any stands still",
      complaint: "status 0",
      protection: [abi("checkpoint/checkpoint.ts", "shared === undefined ?", "true ?")],
      happens: async (host) => {
        await counting(host, "one")
        await counting(host, "two")
        const pids = [await pidOf(host, "one"), await pidOf(host, "two")]
        const ran = await host.run("container", "checkpoint", "--create-image", "both:1", "one", "two")
        return [
          ...refused(ran, /both:1/),
          ...complain([await pidOf(host, "one"), await pidOf(host, "two")].join() === pids.join(), "frozen"),
        ]
      },
    },
    {
      title: "P12: a checkpoint that is kept can be restored again and again",
      complaint: "second restore",
      protection: [abi("restore/settle.ts", "if (options.keep) return", "")],
      happens: async (host) => {
        await counting(host, "web")
        await host.ok("container", "checkpoint", "--keep", "web")
        await host.ok("container", "restore", "--keep", "web")
        await host.ok("stop", "-t", "0", "web")
        const again = await host.run("container", "restore", "--keep", "web")
        return again.status === 0 ? standing(host, "web") : [`second restore: ${again.stderr}`]
      },
    },
    {
      title: "P17: the base image is found although its name has moved on",
      complaint: "imported elsewhere",
      protection: [
        abi(
          "restore/preflight.ts",
          "(store) => store.get(config.rootfsImageID)",
          '(store) => store.resolve(config.rootfsImageName ?? "")',
        ),
        abi(
          "restore/preflight.ts",
          "if (found !== undefined) return found",
          "if (found !== undefined && found.id === config.rootfsImageID) return found\n  if (found !== undefined) return yield* baseMissing(config, 'imported elsewhere')",
        ),
      ],
      happens: async (host) => {
        await counting(host, "web")
        await host.ok("container", "checkpoint", "--create-image", "web:1", "web")
        await host.ok("rm", "web")
        await host.ok("tag", "web:1", "base")
        const ran = await host.run("container", "restore", "web:1")
        return ran.status === 0 ? lost(host, "web") : [ran.stderr]
      },
    },
    {
      title: "P19: a container comes back with the runtime that it was frozen with",
      complaint: "OCI runtime error: crun",
      protection: [
        abi(
          "restore/preflight.ts",
          "const named = config.runtime ?? factsFromAnnotations(annotations).runtimeName",
          "const named = undefined",
        ),
      ],
      on: { runtime: "runc", cgroups: "v1" },
      happens: async (host) => {
        await counting(host, "web")
        await host.ok("container", "checkpoint", "--create-image", "web:1", "web")
        await host.ok("rm", "web")
        // the program's own default is another one
        const words = host.command(["container", "restore", "web:1"]).join(" ").replace(" --runtime runc", "")
        const ran = await host.shell(words)
        return ran.status === 0 ? lost(host, "web") : [ran.stderr]
      },
    },
  ])
})

describe("files", () => {
  proven([
    {
      title: "P2: a file of the image that the container changed has the new content",
      complaint: "is as in the image",
      protection: [
        {
          file: "packages/checkpoint/src/RootfsDiff.ts",
          find: "&& !entry.isSocket()",
          replace: "&& !entry.isSocket() && !(inImage && entry.isFile())",
        },
      ],
      happens: async (host) => {
        await sleeping(host, "echo changed > /etc/motd")
        await host.ok("container", "checkpoint", "--create-image", "web:1", "web")
        await host.ok("rm", "web")
        await host.ok("container", "restore", "web:1")
        return complain(
          (await host.ok("exec", "web", "cat", "/etc/motd")) === "changed",
          "/etc/motd is as in the image",
        )
      },
    },
    {
      title: "P5: with --leave-running, memory and files are of one moment",
      complaint: "not of one moment",
      protection: [abi("checkpoint/freeze.ts", "isPaused(plan) && (yield* pause(plan))", "false")],
      happens: async (host) => {
        await host.ok(
          "run",
          "-d",
          "--name",
          "web",
          "base",
          "sh",
          "-c",
          "i=0; while :; do echo $i >> /numbers; i=$((i+1)); usleep 1000; done",
        )
        await host.shell("sleep 0.5")
        await host.ok("container", "checkpoint", "--leave-running", "--create-image", "web:1", "web")
        await host.ok("container", "restore", "--name", "again", "web:1")
        await host.shell("sleep 0.5")
        const numbers = (await host.ok("exec", "again", "cat", "/numbers")).split("\n").map(Number)
        return complain(
          numbers.every((number, at) => number === at),
          "memory and files are not of one moment",
        )
      },
    },
    {
      title: "P6: the log goes on behind what was written before",
      complaint: "lost its count",
      protection: [abi("checkpoint/collect.ts", "[paths.log, checkpointMembers.log.name],", "")],
      happens: async (host) => {
        await counting(host, "web")
        await host.ok("container", "checkpoint", "--create-image", "web:1", "web")
        await host.ok("rm", "web")
        await host.ok("container", "restore", "web:1")
        const first = (await host.numbers("web"))[0]
        return [...complain(first === 0, "the log has lost its count"), ...(await lost(host, "web"))]
      },
    },
  ])
})

describe("what is around the processes", () => {
  proven([
    {
      title: "P6: a container from an image has its addresses again",
      complaint: "other addresses",
      protection: [abi("restore/formerPlaces.ts", "return status === undefined\n", "return status !== 0\n")],
      happens: async (host) => {
        await host.ok("run", "-d", "--name", "web", "base", "sleep", "1000")
        const addresses = () =>
          host.inspect("web", "{{range .NetworkSettings.Networks}}{{.IPAddress}} {{.MacAddress}}{{end}}")
        const before = await addresses()
        await host.ok("container", "checkpoint", "--create-image", "web:1", "web")
        await host.ok("rm", "web")
        await host.ok("container", "restore", "web:1")
        return complain((await addresses()) === before, "it has other addresses")
      },
    },
    {
      title: "P13: an address that the network here does not have is one clear refusal, and leaves nothing",
      complaint: "status 0",
      protection: [
        {
          file: "packages/runtime/src/network/Addresses.ts",
          find: "if (!inside) return yield* Result.fail(new AddressOutside({ address: text, network: name }))",
          replace: "if (!inside) continue",
        },
      ],
      happens: async (host) => {
        await host.ok("network", "create", "--subnet", "10.201.0.0/24", "net")
        await host.ok("run", "-d", "--network", "net:ip=10.201.0.9", "--name", "web", "base", "sleep", "1000")
        await host.ok("container", "checkpoint", "--create-image", "web:1", "web")
        await host.ok("rm", "web")
        await host.ok("network", "rm", "net")
        await host.ok("network", "create", "--subnet", "10.202.0.0/24", "net")
        const ran = await host.run("container", "restore", "web:1")
        const left = await host.ok("ps", "-aq")
        const complaints = [...refused(ran, /10\.201\.0\.9/), ...complain(left === "", "a container is left")]
        await host.run("rm", "-f", "-t", "0", "web")
        const elsewhere = await host.run("container", "restore", "--ignore-static-ip", "web:1")
        return [...complaints, ...complain(elsewhere.status === 0, elsewhere.stderr)]
      },
    },
    {
      title: "P11: a program that exec runs beside a container is named when the checkpoint ends it",
      complaint: "said nothing",
      protection: [abi("checkpoint/besides.ts", "return sessions.map(", "return sessions.slice(0, 0).map(")],
      happens: async (host) => {
        await counting(host, "web")
        await host.ok("exec", "-d", "web", "sleep", "1234")
        const ran = await host.run("container", "checkpoint", "web")
        return [
          ...complain(/exec session .*\(sleep 1234\) ends with the checkpoint/.test(ran.stderr), "it said nothing"),
          ...(await lost(host, "web")),
        ]
      },
    },
    {
      title: "P11: a container that was asked whether it is well is asked again after a restore",
      complaint: "not asked",
      protection: [abi("restore/settle.ts", "yield* beginHealth(", "yield* Effect.void; (() => 0)(")],
      happens: async (host) => {
        const asks = ["--health-cmd", "echo asked >> /asked", "--health-interval", "1s"]
        await host.ok("run", "-d", "--network", "none", "--name", "web", ...asks, "base", "sleep", "1000")
        await host.ok("container", "checkpoint", "--create-image", "web:1", "web")
        await host.ok("rm", "web")
        await host.ok("container", "restore", "web:1")
        const asked = () => host.run("exec", "web", "cat", "/asked")
        const before = (await asked()).stdout
        const again = eventually(async () => ((await asked()).stdout > before ? true : undefined), "a question", 6)
        return complain(await again.catch(() => false), "it is not asked any more")
      },
    },
  ])
})

describe("volumes", () => {
  const withVolume = ["-v", "data:/etc"]
  proven([
    {
      title: "P10: a volume comes back with its labels, and what was removed from it stays removed",
      complaint: "labels",
      protection: [abi("checkpoint/libpodDocument.ts", "driverOptions: config.options, labels: config.labels", "")],
      happens: async (host) => {
        await host.ok("volume", "create", "--label", "owner=tests", "data")
        await sleeping(host, "rm /etc/motd", ...withVolume)
        await host.ok("container", "checkpoint", "--create-image", "web:1", "web")
        await host.ok("rm", "web")
        await host.ok("volume", "rm", "data")
        await host.ok("container", "restore", "web:1")
        const motd = await host.run("exec", "web", "test", "-e", "/etc/motd")
        const labels = await host.ok("volume", "inspect", "--format", "{{.Labels.owner}}", "data")
        return [
          ...complain(motd.status === 1, "a removed file is back"),
          ...complain(labels === "tests", `labels: ${labels}`),
        ]
      },
    },
    {
      title: "P10: a volume that is there is not written over",
      complaint: "status 0",
      protection: [
        abi("restore/preflight.ts", "volumes: options.ignoreVolumes ? [] : volumes", "volumes: []"),
        abi("restore/restoreVolumes.ts", "content ? Effect.fail(failure) : Effect.void", "Effect.void"),
      ],
      happens: async (host) => {
        await sleeping(host, "echo old > /etc/motd", ...withVolume)
        await host.ok("container", "checkpoint", "--create-image", "web:1", "web")
        await host.ok("rm", "web")
        const ran = await host.run("container", "restore", "web:1")
        return refused(ran, /volume with name data already exists\. Use --ignore-volumes/)
      },
    },
    {
      title: "P9: a restore that fails leaves neither container nor volume",
      complaint: "is left",
      protection: [
        forgetfulRepair,
        abi("restore/restoreNew.ts", "Effect.onError(() => Effect.ignore(erase(record))),", ""),
      ],
      happens: async (host) => {
        await sleeping(host, "true", ...withVolume)
        await host.ok("container", "checkpoint", "--create-image", "web:1", "web")
        await host.ok("rm", "web")
        await host.ok("volume", "rm", "data")
        const before = await surroundings(host)
        const ran = await withoutProcesses(host.path("layers"), () => host.run("container", "restore", "web:1"))
        const left = [await host.ok("ps", "-aq"), await host.ok("volume", "ls", "-q")].join("")
        return [
          ...refused(ran, /OCI runtime error/),
          ...complain(left === "", `is left: ${left}`),
          ...changed(before, await surroundings(host)),
        ]
      },
    },
  ])
})

describe("the container itself", () => {
  proven([
    {
      title: "P4: a file that cannot be written to is found before the freeze",
      complaint: "not the same processes",
      protection: [
        {
          file: "packages/host/src/Output.ts",
          find: "? openOutput(destination.path)",
          replace:
            "? Effect.succeed({ write: () => openOutput(destination.path), complete: Effect.void, discard: Effect.void })",
        },
      ],
      happens: async (host) => {
        await counting(host, "web")
        const pid = await pidOf(host, "web")
        const ran = await host.run("container", "checkpoint", "--export", "/nowhere/web.tar", "web")
        return [
          ...refused(ran, /\/nowhere/),
          ...complain((await pidOf(host, "web")) === pid, "not the same processes"),
          ...(await lost(host, "web")),
        ]
      },
    },
    {
      title: "P8: a container that is to be removed when it ends can be frozen into an image",
      complaint: "started with '--rm'",
      protection: [
        abi(
          "checkpoint/preflight.ts",
          'options.target._tag === "Container") return yield* new AutoRemoveRefused',
          'options.target._tag !== "Archive") return yield* new AutoRemoveRefused',
        ),
      ],
      happens: async (host) => {
        await host.ok("run", "-d", "--rm", "--name", "web", "base", "sleep", "1000")
        const ran = await host.run("container", "checkpoint", "--create-image", "web:1", "web")
        if (ran.status !== 0) return [ran.stderr]
        const gone = await host.run("container", "exists", "web")
        await host.ok("container", "restore", "web:1")
        return [
          ...complain(gone.status === 1, "it has not been removed"),
          ...complain((await host.inspect("web", "{{.State.Status}}")) === "running", "it does not run"),
        ]
      },
    },
    {
      title: "P16: a container that lives in another's namespaces is not torn out of them",
      complaint: "status 0",
      protection: [
        abi("checkpoint/neighbours.ts", "if (others.some((owner) => owner !== infraId))", "if (others.length > 9)"),
      ],
      happens: async (host) => {
        await counting(host, "owner")
        await host.ok("run", "-d", "--name", "guest", "--network", "container:owner", "base", "sleep", "1000")
        const pid = await pidOf(host, "guest")
        const ran = await host.run("container", "checkpoint", "--create-image", "guest:1", "guest")
        return [
          ...refused(ran, /dependencies/),
          ...complain((await pidOf(host, "guest")) === pid, "not the same processes"),
        ]
      },
    },
  ])
})

/** AppArmor as the kernel shows it, with these profiles loaded, where only this host sees it. */
const withAppArmor = async <A>(host: Host, profiles: ReadonlyArray<string>, work: () => Promise<A>): Promise<A> => {
  const loaded = profiles.map((name) => `${name} (enforce)\\n`).join("")
  await host.shell(`set -e
    mount -t tmpfs tmpfs /sys/module; mkdir -p /sys/module/apparmor/parameters; echo Y >/sys/module/apparmor/parameters/enabled
    mount -t tmpfs tmpfs /sys/kernel/security; mkdir /sys/kernel/security/apparmor
    printf '${loaded}' >/sys/kernel/security/apparmor/profiles`)
  const done = await work()
  await host.shell("umount /sys/kernel/security /sys/module")
  return done
}

describe("a host that does not fit", () => {
  proven([
    {
      title: "P14: a security profile that is not loaded is named before anything changes",
      complaint: "is not named",
      protection: [
        abi(
          "compatibility/hostFindings.ts",
          'finding("securityModule", securityModule, missing.length === 0,',
          'finding("securityModule", securityModule, true,',
        ),
      ],
      // whose mounts are seen nowhere else
      on: { cgroups: "v1" },
      happens: async (host) => {
        await counting(host, "web")
        await host.ok("container", "checkpoint", "web")
        const images = await imagesOf(host, "web")
        const files = fs.readdirSync(images).filter((name) => /^(core-\d+|inventory)\.img$/.test(name))
        const before = new Map(files.map((name) => [name, fs.readFileSync(join(images, name))]))
        let confined = 0
        for (const name of files) {
          const file = join(images, name)
          if (name === "inventory.img") rewritten(file, "inventory", (entry) => ({ ...entry, lsmtype: 2 }))
          else {
            rewritten(file, "core", (entry) => {
              const thread = entry.thread_core
              // a sleep that has ended and is not waited for yet has none
              if (thread?.creds === undefined) return entry
              confined += 1
              return { ...entry, thread_core: { ...thread, creds: { ...thread.creds, lsm_profile: "web-profile" } } }
            })
          }
        }
        if (confined === 0) throw new Error("no process of the dump has credentials")
        const check = async () =>
          (await host.run("checkpoint", "check", "--format", "json", "web")).stdout.includes("web-profile")
        // CRIU itself may hang where a profile is missing
        if (!(await withAppArmor(host, ["other-profile"], check))) return ["the profile is not named"]
        const ran = await withAppArmor(host, ["other-profile"], () => host.run("container", "restore", "web"))
        const loaded = await withAppArmor(host, ["other-profile", "web-profile"], check)
        for (const [name, bytes] of before) fs.writeFileSync(join(images, name), bytes)
        return [
          ...refused(ran, /the AppArmor profile web-profile, which is not loaded/),
          ...complain(!loaded, "a profile that is loaded was missed"),
          ...(await lost(host, "web")),
        ]
      },
    },
    {
      title: "P15: a processor that has less is told before anything changes",
      complaint: "status 0",
      protection: [
        abi(
          "compatibility/hostFindings.ts",
          'finding("cpu", "every feature", missing.length === 0,',
          'finding("cpu", "every feature", true,',
        ),
      ],
      happens: async (host) => {
        await counting(host, "web")
        await host.ok("container", "checkpoint", "web")
        rewritten(join(await imagesOf(host, "web"), "cpuinfo.img"), "cpuinfo", withoutEqual)
        const ran = await host.run("container", "restore", "web")
        const insisted = await host.run("container", "restore", "--force", "cpu", "web")
        return [
          ...refused(ran, /this processor lacks feature 6:31/),
          ...complain(insisted.status === 0, insisted.stderr),
          ...(await lost(host, "web")),
        ]
      },
    },
  ])
})

/** Whether systemd starts a unit again whose main process has ended with a status (systemd.service(5), Restart=). */
const startsAgain = (unit: string, status: number): boolean => {
  const values = (key: string) =>
    [...unit.matchAll(new RegExp(`^${key}=(.*)$`, "gm"))].flatMap(([, value = ""]) => value.split(/\s+/))
  const fine = ["0", ...values("SuccessExitStatus"), ...values("RestartPreventExitStatus")]
  return values("Restart").includes("on-failure") && !fine.includes(String(status))
}

describe("a unit of systemd", () => {
  proven([
    {
      title: "P18: starts a container again that fails, and leaves one alone that was frozen",
      complaint: "is started again",
      protection: [abi("checkpoint/settle.ts", "exitCode: 0,", "exitCode: 137,")],
      happens: async (host) => {
        const unit = fs.readFileSync(join(project, "docs/examples/container.service"), "utf8")
        const [, ...words] = /^ExecStart=(.*) \S+$/m.exec(unit)?.[1]?.split(" ") ?? []
        /** What the unit's own command ends with, after something has happened to its container. */
        const statusAfter = async (...end: ReadonlyArray<string>) => {
          const command = host.command([...words, "base", ...counter]).slice(3)
          const main = host.spawn(`exec ${command.map((word) => `'${word}'`).join(" ")}`)
          main.stdout?.resume()
          const ended = once(main, "exit")
          await eventually(async () => (await host.run("container", "exists", "web")).status === 0 || undefined, "web")
          await host.beyond("web", 2)
          await host.ok(...end)
          return (await ended)[0] as number
        }
        const frozen = await statusAfter("container", "checkpoint", "web")
        const complaints = [
          ...complain(!startsAgain(unit, frozen), `a frozen container is started again, with status ${frozen}`),
          ...(await lost(host, "web")),
        ]
        await host.ok("rm", "-f", "-t", "0", "web")
        const failed = await statusAfter("kill", "web")
        return [
          ...complaints,
          ...complain(startsAgain(unit, failed), `a failure counts as none, with status ${failed}`),
        ]
      },
    },
  ])
})
