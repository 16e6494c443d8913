/** Whoever types `cryopod` for `podman` sees the same: a script of commands with a real Podman 5.4.2, then with cryopod. */
import * as fs from "node:fs"
import { join } from "node:path"
import { afterAll, beforeAll, expect, it } from "vitest"
import { differences } from "./surface/differences.ts"
import { Host, project, runCommand } from "./support/Host.ts"
import { type Answers, askCryopod, askPodman, differing, meant, steps } from "./support/surface.ts"
import { copyProgram, importBase } from "./support/workloads.ts"

let directory = ""
let podman: Answers = new Map()
let cryopod: Answers = new Map()

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
  try {
    const asked = await Promise.all([askPodman(join(directory, "podman"), archive), askCryopod(host, archive)])
    podman = asked[0]
    cryopod = asked[1]
  } finally {
    await host.dispose()
  }
  // a thousand commands take their time where others work as well
}, 900_000)
afterAll(() => fs.rmSync(directory, { recursive: true, force: true, maxRetries: 20 }))

it.each(steps)("$line: $text", (step) => {
  const [theirs, ours] = [podman.get(step.line), cryopod.get(step.line)]
  if (theirs === undefined || ours === undefined) throw new Error("the step was not run")
  const wanted = meant(step)
  const found = differing(theirs, ours)
  // the texts themselves, where they should be the same
  const other = found.filter((stream) => !wanted.includes(stream))
  expect(Object.fromEntries(other.map((stream) => [stream, ours[stream]]))).toEqual(
    Object.fromEntries(other.map((stream) => [stream, theirs[stream]])),
  )
  // a difference that is no more is no longer listed
  expect(found).toEqual(wanted)
  expect(ours.status).toBe(differences.get(step.text)?.status ?? theirs.status)
})

it("lists differences of steps that there are, once each", () => {
  const texts = steps.map(({ text }) => text)
  expect([...differences.keys()].filter((text) => texts.filter((other) => other === text).length !== 1)).toEqual([])
})
