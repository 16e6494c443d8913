/** The suite that every engine passes, each on a host of its own: containers get bridges and packet filters there. */
import { join } from "node:path"
import { beforeAll, expect, it } from "vitest"
import { Host, nodeProgram, project, runCommand } from "./support/Host.ts"

beforeAll(async () => {
  const built = await runCommand([join(project, "scripts/peer"), "build"])
  if (built.status !== 0) throw new Error(built.stderr)
})

// at a time: each of them waits more than it works
it.concurrent.each([
  ["the engine of this host", "host"],
  ["the engine of this host behind its service", "service"],
  ["Podman's service, as far as it can", "podman"],
])(
  "the suite passes on %s",
  async (_, file) => {
    const host = await Host.make()
    try {
      const vitest = `${nodeProgram} node_modules/vitest/vitest.mjs run --project conformance --reporter=verbose --no-color`
      const { status, stderr, stdout } = await host.shell(
        `cd ${project} && exec ${vitest} test/conformance/${file}.test.ts`,
      )
      if (status !== 0) throw new Error(stdout + stderr)
      // a suite that has found nothing to run would pass as well
      expect(stdout).toMatch(/Tests +\d+ passed/)
      expect(stdout).toMatch(/\(1\d\d\)/)
    } finally {
      await host.dispose()
    }
  },
  3_600_000,
)
