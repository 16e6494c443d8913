/** What becomes of a working directory before the runtime is called. */
import { expect, it } from "vitest"
import { isMountedOver } from "../../src/container/placeProcess.ts"

const mounts = ["/proc", "/data/volume", "/run/.containerenv"].map((destination) => ({
  destination,
  type: "bind",
  source: "",
  options: [],
}))

it.each([
  ["/data/volume", true],
  ["/data/volume/below", true],
  ["/data", true],
  ["/", true],
  ["/run", true],
  ["proc/self", true],
  ["/data/volumes", false],
  ["/database", false],
  ["/run/other", false],
])("a working directory %s lies on a mount, or above one: %s", (workdir, mounted) =>
  expect(isMountedOver({ mounts }, workdir)).toBe(mounted),
)
