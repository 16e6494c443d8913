/** What becomes of a running container's files of names when its networks change. */
import { expect, it } from "vitest"
import { hostsMinus, hostsPlus, resolverMinus, resolverPlus } from "../../src/index.ts"

const hosts = "# mine\n127.0.0.1\tlocalhost\n10.1.0.2\tabc web\n"

it("addresses come with the container's names, and go without other lines", () => {
  const more = hostsPlus(hosts, ["10.2.0.2", "fd00::2"], ["abc", "web", "abc"])
  expect(more).toBe(`${hosts}10.2.0.2\tabc web\nfd00::2\tabc web\n`)
  expect(hostsMinus(more, ["10.2.0.2", "fd00::2"])).toBe(hosts)
  expect(hostsMinus(`${hosts}10.2.0.22\tother`, ["10.2.0.2"])).toBe(`${hosts}10.2.0.22\tother`)
})

it("name servers come before those that there are, and go again", () => {
  const resolver = "search dns.podman\nnameserver 10.1.0.1\noptions ndots:2\n"
  const more = resolverPlus(resolver, ["10.2.0.1"])
  expect(more).toBe("search dns.podman\nnameserver 10.2.0.1\nnameserver 10.1.0.1\noptions ndots:2\n")
  expect(resolverMinus(more, ["10.2.0.1"])).toBe(resolver)
  expect(resolverPlus("search a\n", ["10.2.0.1"])).toBe("search a\nnameserver 10.2.0.1\n")
  expect(resolverMinus(resolver, ["10.1.0"])).toBe(resolver)
})
