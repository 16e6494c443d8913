import * as Result from "effect/Result"
import { describe, expect, it } from "vitest"
import { goDuration } from "../src/goDuration.ts"
import { pageProblem } from "../src/http/browsers.ts"
import { registryCredentials } from "../src/images/registryCredentials.ts"
import { registryReference } from "../src/images/registryReference.ts"
import { addressOf, formatAddress } from "../src/listen/Address.ts"

describe("durations of Go's", () => {
  it.each([
    ["250ms", 250],
    ["1h2m3.5s", 3_723_500],
    ["0", 0],
    [".5s", 500],
    ["1us", 0.001],
    ["100", undefined],
    ["", undefined],
    ["1s x", undefined],
    ["-1s", undefined],
  ])("%j", (text, millis) => expect(goDuration(text)).toBe(millis))
})

describe("where to listen", () => {
  const certificates = { cert: "c", key: "k", clientCa: "ca" }
  const problem = (uri: string, with_ = false) => {
    const address = addressOf(uri, with_ ? certificates : undefined)
    return Result.isFailure(address) ? address.failure.message : formatAddress(address.success)
  }
  it.each([
    ["unix:///run/x.sock", false, "unix:///run/x.sock"],
    ["unix:/run/x.sock", false, "unix:///run/x.sock"],
    ["tcp://127.0.0.1:2375", false, "tcp://127.0.0.1:2375"],
    ["tcp://localhost:2375", false, "tcp://localhost:2375"],
    ["tcp://[::1]:2375", false, "tcp://[::1]:2375"],
    ["tcp://0.0.0.0:2376", true, "tcp://0.0.0.0:2376"],
  ])("%s with certificates: %s", (uri, with_, wanted) => expect(problem(uri, with_)).toBe(wanted))
  it.each([
    ["tcp://0.0.0.0:2375", false, "would be root on this host"],
    ["tcp://192.168.1.5:2375", false, "--tls-client-ca"],
    ["tcp://example.test:2375", false, "would be root"],
    ["tcp://127.0.0.1.evil.test:1", false, "would be root"],
    ["tcp://[::]:2375", false, "would be root"],
    ["tcp://127.0.0.1:99999", false, "ports go up to 65535"],
    ["tcp://127.0.0.1", false, "use unix:///PATH or tcp://HOST:PORT"],
    ["http://127.0.0.1:1", false, "use unix:///PATH or tcp://HOST:PORT"],
    ["unix://relative", false, "begins with a slash"],
    [`unix:///${"x".repeat(200)}`, false, "at most 107 bytes"],
    ["unix:///run/x.sock", true, "certificates are for tcp://"],
  ])("%s with certificates %s is refused: %s", (uri, with_, wanted) => expect(problem(uri, with_)).toContain(wanted))
})

describe("requests of pages", () => {
  const plain = { host: "127.0.0.1:2375", origin: undefined, site: undefined }
  it.each([
    ["no page at all", plain, false],
    ["a page of our own", { ...plain, origin: "http://127.0.0.1:2375", site: "same-origin" }, false],
    ["an address that was typed in", { ...plain, site: "none" }, false],
    ["localhost by its name", { ...plain, host: "localhost:2375" }, false],
    ["::1", { ...plain, host: "[::1]:2375" }, false],
    ["another site's page", { ...plain, site: "cross-site" }, true],
    ["another site's form", { ...plain, origin: "https://evil.test" }, true],
    ["a page without an origin", { ...plain, origin: "null" }, true],
    ["a name that points here", { ...plain, host: "evil.test:2375" }, true],
    ["a name like ours", { ...plain, host: "127.0.0.1.evil.test:2375" }, true],
  ])("%s", (_, origin, refused) => expect(pageProblem(origin, false) !== undefined).toBe(refused))
  it("may come by any name where the peer is known", () => {
    expect(pageProblem({ ...plain, host: "server.test:8443" }, true)).toBeUndefined()
    expect(pageProblem({ ...plain, host: "server.test:8443", site: "cross-site" }, true)).toBeDefined()
  })
})

describe("references in requests", () => {
  const read = (text: string) =>
    Result.match(registryReference("reference", text), { onSuccess: (one) => one, onFailure: (one) => one.message })
  it.each([
    ["base", "base"],
    ["localhost:5000/web:1", "localhost:5000/web:1"],
    ["docker://localhost:5000/web:1", "localhost:5000/web:1"],
  ])("%s is an image of a registry", (text, wanted) => expect(read(text)).toBe(wanted))
  it.each([
    "dir:/etc",
    "oci:/var/lib/x",
    "docker-archive:/etc/shadow",
    "oci-archive:/etc/shadow",
    "containers-storage:x",
    "docker-daemon:x:1",
    "sif:/etc/shadow",
    "tarball:/etc/shadow",
    "ostree:x@/y",
  ])("%s is the host's business", (text) => expect(read(text)).toMatch(/only images of registries|parsing reference/))
})

describe("credentials in a header", () => {
  const header = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64")
  const read = (text: string | undefined, reference = "r.io/web:1") =>
    Result.match(registryCredentials(text, reference), { onSuccess: (one) => one, onFailure: (one) => one.message })
  it.each([
    ["none", undefined, ""],
    ["one registry's", header({ username: "a", password: "b:c" }), "a:b:c"],
    [
      "a map of them",
      header({ "r.io": { username: "a", password: "b" }, "x.io": { username: "x", password: "y" } }),
      "a:b",
    ],
    ["the longest name's", header({ "r.io": { auth: btoa("a:b") }, "r.io/web:1": { auth: btoa("c:d") } }), "c:d"],
    ["none for this registry", header({ "r.io.evil": { username: "a", password: "b" } }), ""],
    ["an old name", header({ "https://r.io/v1/": { auth: btoa("a:b") } }), "a:b"],
  ])("%s", (_, text, wanted) => expect(read(text)).toBe(wanted))
  it.each([
    ["no base64", "%%%"],
    ["no JSON", btoa("hello")],
    ["a list", header([1])],
    ["a token", header({ identitytoken: "t" })],
  ])("%s is refused without saying it", (_, text) => {
    expect(read(text)).toContain("X-Registry-Auth")
    expect(read(text)).not.toContain(text)
  })
})
