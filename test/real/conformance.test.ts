/** The suite that every engine passes, on engines of a host of its own: containers get bridges and packet filters there. */
import { afterEach, beforeEach, expect, it } from "vitest"
import { Host, nodeProgram, project } from "./support/Host.ts"

let host: Host
beforeEach(async () => {
  host = await Host.make()
})
afterEach(() => host.dispose())

it.each([
  ["the engine of this host", "host"],
  ["the engine of this host behind its service", "service"],
])(
  "%s passes the suite",
  async (_, file) => {
    const vitest = `${nodeProgram} node_modules/vitest/vitest.mjs run --project conformance --reporter=verbose --no-color`
    const { status, stderr, stdout } = await host.shell(
      `cd ${project} && exec ${vitest} test/conformance/${file}.test.ts`,
    )
    if (status !== 0) throw new Error(stdout + stderr)
    // a suite that has found nothing to run would pass as well
    expect(stdout).toMatch(/Tests +1\d\d passed/)
  },
  900_000,
)
