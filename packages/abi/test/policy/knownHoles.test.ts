import { describe, expect, it } from "vitest"
import { knownHoles } from "../../src/policy/knownHoles.ts"

describe("holes of runtimes", () => {
  it.each([
    ["runc", "runc version 1.1.15+ds1", true],
    ["runc", "runc version 1.3.6", true],
    ["runc", "runc version 1.3.7\ncommit: x", false],
    ["runc", "runc version 1.4.3", true],
    ["runc", "runc version 1.4.4", false],
    ["runc", "runc version 1.5.3", false],
    ["runc", "runc version 1.7.0", false],
    ["runc", "runc version 2.0.0", false],
    ["crun", "crun version 1.21", true],
    ["crun", "crun version 1.31", false],
    ["crun", "crun version 1.32.1", false],
    ["crun", "no number", false],
  ] as const)("%s: %s", (runtime, text, has) => {
    expect(knownHoles(runtime, text).length > 0).toBe(has)
  })
})
