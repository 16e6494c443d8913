import { describe, expect, it } from "vitest"
import { type Copy, copyArguments, lastWord } from "../src/index.ts"

const registry = { _tag: "Registry", name: "localhost:5000/web:1" } as const
const layout = { _tag: "Path", transport: "oci", path: "/tmp/x" } as const
const pull: Copy = { operation: "pull", ref: "web", from: registry, to: layout, preserveDigests: true }
const push: Copy = { operation: "push", ref: "web", from: layout, to: registry, preserveDigests: false }
const host = { temporary: "/tmp/area", authfile: "", policy: true }
const access = { tlsVerify: true, authfile: "", creds: "" }

describe("skopeo's command line", () => {
  it.each<[string, Copy, Partial<typeof host>, ReadonlyArray<string>]>([
    [
      "pull",
      pull,
      {},
      ["--preserve-digests", "--dest-oci-accept-uncompressed-layers", "docker://localhost:5000/web:1", "oci:/tmp/x"],
    ],
    ["push", push, {}, ["oci:/tmp/x", "docker://localhost:5000/web:1"]],
    [
      "registries.conf decides on TLS unless it is off",
      { ...push, access },
      {},
      ["oci:/tmp/x", "docker://localhost:5000/web:1"],
    ],
    [
      "push without TLS",
      { ...push, access: { ...access, tlsVerify: false } },
      {},
      ["--dest-tls-verify=false", "oci:/tmp/x", "docker://localhost:5000/web:1"],
    ],
    [
      "pull with a login file",
      pull,
      { authfile: "/a" },
      [
        "--preserve-digests",
        "--authfile",
        "/a",
        "--dest-oci-accept-uncompressed-layers",
        "docker://localhost:5000/web:1",
        "oci:/tmp/x",
      ],
    ],
  ])("%s", (_, copy, facts, words) => {
    expect(copyArguments(copy, { ...host, ...facts })).toEqual(["--tmpdir", "/tmp/area", "copy", "--quiet", ...words])
  })

  it("goes without a policy where the host has none", () => {
    expect(copyArguments(push, { ...host, policy: false })[0]).toBe("--insecure-policy")
  })
})

describe("skopeo's last word", () => {
  it.each([
    [
      'time="2026-01-01T00:00:00Z" level=fatal msg="initializing source docker://x: reading manifest"',
      "initializing source docker://x: reading manifest",
    ],
    ['time="t" level=warning msg="a"\ntime="t" level=fatal msg="say \\"no\\"\\nand go"\n', 'say "no" and go'],
    ["plain words\n", "plain words"],
    ["", "skopeo ended without a word"],
  ])("%j", (stderr, word) => expect(lastWord(stderr)).toBe(word))
})
