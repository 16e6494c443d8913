/** A checkpoint of a pod's container fits a pod that shares what the container shared, and nothing else. */
import type { LibpodConfig } from "@cryopod/checkpoint"
import type { NamespaceKind } from "@cryopod/entities"
import type { ContainerRecord, Namespaces, OciSpec } from "@cryopod/runtime"
import * as Result from "effect/Result"
import { describe, expect, it } from "vitest"
import type { JoinedPod } from "../../src/container/membership.ts"
import { importedMembership, renamedPod } from "../../src/restore/importedMembership.ts"

const infraId = "1".repeat(64)
const oldInfra = "2".repeat(64)
const podId = "3".repeat(64)

const config = (fields: Partial<LibpodConfig>): LibpodConfig => ({
  id: "4".repeat(64),
  name: "web",
  rootfsImageID: "5".repeat(64),
  createdTime: "2026-01-01T00:00:00Z",
  ...fields,
})
const spec = (...types: ReadonlyArray<string>) =>
  ({ linux: { namespaces: types.map((type) => ({ type })) } }) as unknown as OciSpec
const everything = spec("pid", "network", "ipc", "uts", "mount")

const pod = (shares: ReadonlyArray<NamespaceKind>, namespaces: Namespaces = {}): JoinedPod => ({
  config: {
    id: podId,
    name: "next",
    createdAt: "",
    labels: {},
    hostname: "",
    exitPolicy: "continue",
    infraId,
    shares,
    createCommand: [],
  },
  infra: { id: infraId, config: { id: infraId, network: "none", hostname: "next", namespaces } } as ContainerRecord,
})
const sharing = (...kinds: ReadonlyArray<"ipc" | "net" | "pid" | "uts" | "cgroup">): Partial<LibpodConfig> => ({
  pod: "old",
  ...Object.fromEntries(kinds.map((kind) => [`${kind}NsCtr`, oldInfra])),
})

const refusal = (checkpoint: LibpodConfig, into: JoinedPod | undefined) => {
  const result = importedMembership({ config: checkpoint, spec: everything }, into)
  return Result.isFailure(result) ? result.failure.message : "accepted"
}

describe("is refused", () => {
  const { infra: _, ...groupOnly } = pod([])
  it.each([
    ["without a pod", config(sharing("net")), undefined, "cannot restore pod container without --pod"],
    ["into a pod it did not come from", config({}), pod(["net"]), "cannot restore non pod container into pod"],
    [
      "with the namespaces of a container without a pod",
      config({ netNsCtr: oldInfra }),
      undefined,
      "cannot import checkpoints of containers with dependencies",
    ],
    [
      "with dependencies",
      config({ Dependencies: [oldInfra] }),
      undefined,
      "cannot import checkpoints of containers with dependencies",
    ],
    [
      "into a pod that is only a group",
      config(sharing("net")),
      { ...groupOnly, infra: undefined },
      `cannot retrieve infra container from pod "${podId}": pod has no infra container: no such container`,
    ],
    ["without net", config(sharing("ipc", "net")), pod(["ipc"]), `pod ${podId} does not share the network namespace`],
    ["without ipc", config(sharing("ipc")), pod(["net"]), `pod ${podId} does not share the IPC namespace`],
    ["without pid", config(sharing("pid")), pod(["net"]), `pod ${podId} does not share the PID namespace`],
    ["without uts", config(sharing("uts")), pod(["net"]), `pod ${podId} does not share the UTS namespace`],
    ["without cgroup", config(sharing("cgroup")), pod(["net"]), `pod ${podId} does not share the cgroup namespace`],
  ])("%s", (_case, checkpoint, into, message) => {
    expect(refusal(checkpoint, into)).toBe(message)
  })
})

it("joins the new pod's infra container where it shared, and nowhere else", () => {
  const membership = importedMembership(
    { config: config(sharing("ipc", "uts")), spec: everything },
    pod(["ipc", "net", "uts", "pid"]),
  )
  expect(membership).toMatchObject({
    success: {
      pod: podId,
      namespaces: { ipc: { container: infraId }, uts: { container: infraId } },
      network: "none",
      hostname: "next",
    },
  })
  expect(Result.getOrThrow(membership).namespaces).not.toHaveProperty("net")
})

it("has the host's namespaces where the specification names none", () => {
  expect(importedMembership({ config: config({}), spec: spec("mount", "uts") }, undefined)).toMatchObject({
    success: { namespaces: { ipc: "host", pid: "host" }, network: "host" },
  })
})

it("the command that made the container names the pod that it is in now", () => {
  expect(renamedPod(["run", "--pod", "old", "x"], { from: "old", to: "new" })).toEqual(["run", "--pod", "new", "x"])
  expect(renamedPod(["run", "x"], { from: "", to: undefined })).toEqual(["run", "x"])
})
