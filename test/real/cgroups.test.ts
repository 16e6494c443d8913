/** A restore makes no cgroup but the container's own. */
import { execFileSync } from "node:child_process"
import * as fs from "node:fs"
import { afterEach, expect, it } from "vitest"
import { Host, type HostOptions } from "./support/Host.ts"
import { counter, importBase } from "./support/workloads.ts"

let host: Host
afterEach(() => host.dispose())

/** Cgroups below those of these containers, in every hierarchy that this machine has. */
const below = (ids: ReadonlyArray<string>): ReadonlyArray<string> =>
  fs
    .readFileSync("/proc/mounts", "utf8")
    .split("\n")
    .flatMap((line) => (/^\S+ \/sys\/fs\/cgroup\S* cgroup/.test(line) ? [line.split(" ")[1] ?? ""] : []))
    .flatMap((point) =>
      execFileSync("find", [point, "-type", "d"], { encoding: "utf8", maxBuffer: 1 << 28 }).split("\n"),
    )
    .filter((path) => ids.some((id) => path.includes(`/${id}/`)))

it.each<HostOptions>([
  { runtime: "crun", cgroups: "v1" },
  { runtime: "crun", cgroups: "v2" },
  { runtime: "runc", cgroups: "v1" },
  { runtime: "runc", cgroups: "host" },
])("$runtime on $cgroups", async (options) => {
  host = await Host.make(options)
  await importBase(host)
  const names = ["one", "two", "three"]
  for (const name of names) await host.ok("run", "-d", "--network", "none", "--name", name, "base", ...counter)
  const ids = await Promise.all(names.map((name) => host.inspect(name, "{{.Id}}")))
  // each sees the cgroups of those that were restored before
  for (const name of [...names, ...names]) {
    await host.beyond(name, 1)
    await host.ok("container", "checkpoint", name)
    await host.ok("container", "restore", name)
  }
  expect(below(ids)).toEqual([])
  for (const name of names) await host.beyond(name, 2)
})
