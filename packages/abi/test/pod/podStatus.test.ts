/** A pod's state is told from its containers' states, as libpod tells it. */
import type { ContainerStatus } from "@cryopod/entities"
import { expect, it } from "vitest"
import { podStatus } from "../../src/pod/podStatus.ts"

const cases: ReadonlyArray<readonly [ReadonlyArray<ContainerStatus>, string]> = [
  [[], "Created"],
  [["created", "created"], "Created"],
  [["running", "running"], "Running"],
  [["running", "exited"], "Degraded"],
  [["running", "created"], "Degraded"],
  [["running", "paused"], "Degraded"],
  [["paused", "paused"], "Paused"],
  [["exited", "stopped"], "Exited"],
  [["exited", "created"], "Stopped"],
  [["exited", "paused"], "Stopped"],
  [["paused", "created"], "Created"],
]

it.each(cases)("of %j is %s", (containers, status) => {
  expect(podStatus(containers)).toBe(status)
})
