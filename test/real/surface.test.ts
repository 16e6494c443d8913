/**
 * Whoever types `cryopod` for `podman` sees the same: a script of commands with a real Podman 5.4.2, then with cryopod; and
 * whoever types it on another host sees what is seen on this one.
 */
import * as fs from "node:fs"
import { join } from "node:path"
import { afterAll, beforeAll, expect, it } from "vitest"
import { differences } from "./surface/differences.ts"
import { Host, project, runCommand } from "./support/Host.ts"
import { type Answers, askCryopod, askPodman, askService, compared, steps } from "./support/surface.ts"
import { copyProgram, importBase } from "./support/workloads.ts"

let directory = ""
let podman: Answers = new Map()
let cryopod: Answers = new Map()
let far: Answers = new Map()

beforeAll(async () => {
  const built = await runCommand([join(project, "scripts/peer"), "build"])
  if (built.status !== 0) throw new Error(built.stderr)
  directory = fs.mkdtempSync("/var/tmp/cryopod-surface.")
  // one image for both, and so one image id
  const archive = join(directory, "base.tar")
  const maker = await Host.make()
  await importBase(maker, (rootfs) => {
    fs.writeFileSync(join(rootfs, "etc/motd"), "hello\n")
    copyProgram("/usr/bin/flock", rootfs)
  })
  await maker.ok("save", "--output", archive, "base")
  await maker.dispose()
  const host = await Host.make({ runtime: "crun", cgroups: "v1" })
  const farHost = await Host.make({ runtime: "crun", cgroups: "v1" })
  try {
    // at a time: each of them waits more than it works
    const asked = await Promise.all([
      askPodman(join(directory, "podman"), archive),
      askCryopod(host, archive),
      askService(farHost, archive),
    ])
    podman = asked[0]
    cryopod = asked[1]
    far = asked[2]
  } finally {
    await host.dispose()
    await farHost.dispose()
  }
  // more than a thousand commands take their time where others work as well
}, 3_600_000)
afterAll(() => fs.rmSync(directory, { recursive: true, force: true, maxRetries: 20 }))

it.each(steps)("$line: $text", ({ line, text }) => {
  const { is, wanted } = compared(cryopod.get(line), podman.get(line), differences.get(text))
  expect(is).toEqual(wanted)
})

it.each(steps)("$line: $text, through a service", ({ line }) => {
  expect(far.get(line)).toBeDefined()
  expect(far.get(line)).toEqual(cryopod.get(line))
})

it("lists differences of steps that there are, once each", () => {
  const texts = steps.map(({ text }) => text)
  expect([...differences.keys()].filter((text) => texts.filter((other) => other === text).length !== 1)).toEqual([])
})
