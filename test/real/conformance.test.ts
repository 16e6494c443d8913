/** The suite that every engine passes, on the engine of this host, whose network is not this machine's. */
import { afterAll, beforeAll, expect, it } from "vitest"
import { Host, nodeProgram, project } from "./support/Host.ts"

let host: Host
beforeAll(async () => {
  host = await Host.make()
})
afterAll(() => host.dispose())

it("the engine of this host passes the suite", async () => {
  const vitest = `${nodeProgram} node_modules/vitest/vitest.mjs run --project conformance --reporter=verbose --no-color`
  const { status, stderr, stdout } = await host.shell(`cd ${project} && exec ${vitest}`)
  if (status !== 0) throw new Error(stdout + stderr)
  // a suite that has found nothing to run would pass as well
  expect(stdout).toMatch(/Tests +1\d\d passed/)
}, 900_000)
