/** What CRIU knows of the kernel is asked for once a boot, whatever file system /run is. */
import * as fs from "node:fs"
import { join } from "node:path"
import { defaultPrefix } from "@cryopod/abi"
import { afterAll, beforeAll, expect, it } from "vitest"
import { Host } from "./support/Host.ts"
import { counter, importBase } from "./support/workloads.ts"

const prefix = process.env["CRYOPOD_PREFIX"] ?? defaultPrefix

let host: Host
beforeAll(async () => {
  // with mounts of its own
  host = await Host.make({ cgroups: "v1" })
  await importBase(host)
})
afterAll(() => host.dispose())

it("the CRIU of the private prefix keeps it where the engine has put a tmpfs", async () => {
  const directory = fs.readFileSync(join(prefix, "kerndat"), "utf8").trim()
  await host.shell(`umount ${directory}`)
  const known = async () => (await host.shell(`stat -f -c %T ${directory}; stat -c %i:%y ${directory}/*`)).stdout
  await host.ok("run", "-d", "--network", "none", "--name", "c", "base", ...counter)
  await host.ok("container", "checkpoint", "c")
  const first = await known()
  expect(first).toMatch(/^tmpfs\n\d+:/)
  await host.ok("container", "restore", "c")
  await host.ok("container", "checkpoint", "c")
  expect(await known()).toBe(first)
})
