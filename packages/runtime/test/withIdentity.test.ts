/** Who runs in a container, written into its specification when it starts. */
import { expect, it } from "vitest"
import { type ContainerConfig, type OciSpec, withIdentity } from "../src/index.ts"

const chown = ["CAP_CHOWN"]
const spec = {
  ociVersion: "1.0.2",
  process: {
    user: { uid: 0, gid: 0, umask: 0o22 },
    args: ["sh"],
    env: ["PATH=/bin", "HOME=/old"],
    cwd: "/",
    capabilities: { bounding: chown, effective: chown, permitted: chown },
  },
  root: { path: "/" },
  mounts: [],
  linux: { namespaces: [] },
} satisfies OciSpec

const placed = (identity: { uid: number; gid: number; home: string }, env: ReadonlyArray<string> = []) => {
  const config = { env, capAdd: ["net_raw"], capDrop: ["all"], privileged: false } as unknown as ContainerConfig
  const held = new Set(["CAP_CHOWN", "CAP_NET_RAW"])
  return withIdentity(spec, { config, held, identity: { ...identity, groups: [identity.gid] } }).process
}

it("another user has ids, a home and capabilities of its own", () => {
  const raw = ["CAP_NET_RAW"]
  expect(placed({ uid: 5, gid: 6, home: "/home/five" })).toMatchObject({
    user: { uid: 5, gid: 6, additionalGids: [6], umask: 0o22 },
    env: ["PATH=/bin", "HOME=/home/five"],
    capabilities: { bounding: raw, effective: raw, permitted: raw, inheritable: raw, ambient: raw },
  })
})

it("the user that there was keeps its capabilities, whoever gave them", () =>
  expect(placed({ uid: 0, gid: 0, home: "/root" })).toMatchObject({
    user: { uid: 0, gid: 0, additionalGids: [0] },
    env: ["PATH=/bin", "HOME=/root"],
    capabilities: spec.process.capabilities,
  }))

it("a home that was asked for stays", () =>
  expect(placed({ uid: 5, gid: 6, home: "/home/five" }, ["HOME=/old"]).env).toEqual(spec.process.env))
