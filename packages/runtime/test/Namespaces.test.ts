/** Where namespaces come from decides the specification, the order of starts, and what `inspect` shows. */
import { expect, it } from "vitest"
import { containerPaths, dependenciesOf, namespaceText, placedNamespaces, specNamespaces } from "../src/index.ts"
import { makeLayout } from "@cryopod/host"

const own = { id: "me", network: "none" } as const
const joined = {
  ...own,
  namespaces: { net: { container: "a" }, ipc: { container: "a" }, uts: { container: "b" }, pid: "host" },
} as const

it("a container's own namespaces have no path, the host's are not named", () => {
  expect(specNamespaces(own).map(({ type }) => type)).toEqual(["pid", "network", "ipc", "uts", "mount"])
  expect(specNamespaces({ ...own, network: "host" }).map(({ type }) => type)).toEqual(["pid", "ipc", "uts", "mount"])
  expect(specNamespaces(joined).map(({ type }) => type)).toEqual(["network", "ipc", "uts", "mount"])
})

it("joined namespaces are found at their owners' main processes; others are left as they are", () => {
  const pids: Readonly<Record<string, number>> = { a: 7, b: 8 }
  const places = { pidOf: (id: string) => pids[id] ?? 0, network: "/run/netns/me" }
  expect(placedNamespaces(joined, [...specNamespaces(joined), { type: "cgroup" }], places)).toEqual([
    { type: "network", path: "/proc/7/ns/net" },
    { type: "ipc", path: "/proc/7/ns/ipc" },
    { type: "uts", path: "/proc/8/ns/uts" },
    { type: "mount" },
    { type: "cgroup" },
  ])
})

it("paths that somebody else wrote are dropped", () => {
  const places = { pidOf: () => 1, network: "/run/netns/me" }
  expect(placedNamespaces(own, [{ type: "network", path: "/proc/1/ns/net" }], places)).toEqual([{ type: "network" }])
})

it("a network namespace with interfaces is made before the container", () => {
  const places = { pidOf: () => 7, network: "/run/netns/me" }
  const bridged = { ...own, network: "bridge" } as const
  expect(placedNamespaces(bridged, [{ type: "network" }], places)).toEqual([{ type: "network", path: "/run/netns/me" }])
  const guest = { ...bridged, namespaces: { net: { container: "a" } } }
  expect(placedNamespaces(guest, [{ type: "network" }], places)).toEqual([{ type: "network", path: "/proc/7/ns/net" }])
})

it("dependencies are each named once", () => {
  expect(dependenciesOf({})).toEqual([])
  expect(dependenciesOf(joined)).toEqual(["a", "b"])
})

it("is shown in libpod's words", () => {
  expect([
    namespaceText(joined, "net", "none"),
    namespaceText(joined, "pid", "private"),
    namespaceText(own, "ipc", "shareable"),
    namespaceText({ ...own, network: "host" }, "net", "host"),
  ]).toEqual(["container:a", "host", "shareable", "host"])
})

it("shared memory is the owner's, the host's, or the container's own", () => {
  const layout = makeLayout("/root", "/run")
  expect(containerPaths(layout, own).shm).toBe(layout.container("me").shm)
  expect(containerPaths(layout, joined).shm).toBe(layout.container("a").shm)
  expect(containerPaths(layout, { ...own, namespaces: { ipc: "host" } }).shm).toBe("/dev/shm")
})

it("files with names belong to the owner of the network", () => {
  const layout = makeLayout("/root", "/run")
  expect(containerPaths(layout, own).hosts).toBe(layout.container("me").hosts)
  expect(containerPaths(layout, joined)).toMatchObject({
    hosts: layout.container("a").hosts,
    resolvConf: layout.container("a").resolvConf,
    userdata: layout.container("me").userdata,
  })
})
