import * as fs from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, describe, expect, it } from "vitest"
import { credentialsFor } from "../src/registry/credentials.ts"
import { isPlain } from "../src/registry/hostRules.ts"

const directory = fs.mkdtempSync(join(tmpdir(), "cryopod-rules-"))
afterAll(() => fs.rmSync(directory, { recursive: true, force: true }))
const written = (content: string): string => {
  const path = join(directory, "file")
  fs.writeFileSync(path, content)
  return path
}

describe("a registry is left to skopeo", () => {
  it.each([
    ["[[registry]]\nlocation = 'quay.io'\n", false],
    ["  [[ registry.mirror ]]\n", false],
    ["[registries.insecure]\nregistries = ['here']\n", false],
    ['credential-helpers = ["secretservice"]\n', false],
    ["# [[registry]]\nunqualified-search-registries = ['docker.io']\n", true],
    ["[aliases]\nalpine = 'docker.io/library/alpine'\n", true],
    ["", true],
  ])("where registries.conf has %j: %s", (text, plain) => {
    expect(isPlain("quay.io", { CONTAINERS_REGISTRIES_CONF: written(text) })).toBe(plain)
  })

  it("behind a proxy", () => {
    expect(isPlain("quay.io", { HTTPS_PROXY: "http://proxy:3128" })).toBe(false)
    expect(isPlain("quay.io", { all_proxy: "socks5://proxy" })).toBe(false)
  })
})

describe("the password of a repository", () => {
  const auth = (creds: string) => ({ auth: btoa(creds) })
  const from = (login: unknown) =>
    credentialsFor("quay.io", "team/web", { creds: "", authfile: written(JSON.stringify(login)) }, {})

  it("is what was given by hand", () => {
    expect(credentialsFor("quay.io", "team/web", { creds: "me:word", authfile: "/nonexistent" }, {})).toBe("me:word")
  })

  it.each([
    [{ "quay.io": auth("a:1"), "quay.io/team": auth("b:2"), "quay.io/team/web": auth("c:3") }, "c:3"],
    [{ "quay.io": auth("a:1"), "quay.io/team": auth("b:2"), "quay.io/team/we": auth("c:3") }, "b:2"],
    [{ "https://quay.io": auth("a:1") }, "a:1"],
    [{ "docker.io": auth("a:1") }, ""],
  ])("is that of the closest: %j", (auths, expected) => {
    expect(from({ auths })).toBe(expected)
  })

  it.each([
    [{ credsStore: "pass" }],
    [{ credHelpers: { "quay.io": "pass" } }],
    [{ auths: { "quay.io": {} } }],
    [{ auths: { "quay.io": { ...auth("a:1"), identitytoken: "x" } } }],
  ])("is not known where a program keeps it: %j", (login) => {
    expect(from(login)).toBeUndefined()
  })

  it("is not known from a file that cannot be read, and there is none without a file", () => {
    const access = { creds: "", authfile: written("{") }
    expect(credentialsFor("quay.io", "team/web", access, {})).toBeUndefined()
    expect(credentialsFor("quay.io", "team/web", { creds: "", authfile: "/nonexistent" }, {})).toBe("")
  })
})
