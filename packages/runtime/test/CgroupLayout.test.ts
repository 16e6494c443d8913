import { describe, expect, it } from "vitest"
import { cgroupLayout, hasOwnCgroups } from "../src/index.ts"

const own = "/cryopod/0123"

describe("cgroups of a container are its own", () => {
  it.each([
    ["on v2", `0::${own}\n`, "host", true],
    ["in a nested place", `0::/outer${own}\n`, "host", true],
    ["on v1 with v2 beside it", `4:memory:${own}\n3:name=systemd:${own}\n0::${own}\n`, "host", true],
    ["with v2 at the root of a namespace", `4:memory:${own}\n0::/\n`, "namespace", true],
    ["not with v2 at the root of the machine", `4:memory:${own}\n0::/\n`, "host", false],
    ["not when a hierarchy is shared", `4:memory:/user\n0::${own}\n`, "host", false],
    ["not with v1 at the root of a namespace", `4:memory:/\n0::${own}\n`, "namespace", false],
  ] as const)("%s", (_, cgroups, root, expected) => {
    expect(hasOwnCgroups(cgroups, own, root)).toBe(expected)
  })
})

it.each([
  ["v2", "31 23 0:28 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw"],
  ["v1", "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu"],
  [
    "hybrid",
    "32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw",
  ],
])("tells %s by its mounts", (layout, mountinfo) => {
  expect(cgroupLayout(mountinfo)).toBe(layout)
})
