import { describe, expect, it } from "vitest"
import {
  type CheckpointNeeds,
  hostFindings,
  type HostOffers,
  missingFeatures,
} from "../src/compatibility/hostFindings.ts"

const needs: CheckpointNeeds = {
  architecture: "amd64",
  kernelRelease: "6.12.0-1-amd64",
  criuVersion: 40200,
  imagesVersion: 2,
  securityModule: "",
  securityProfiles: [],
  cgroups: ["v2"],
  cpu: [0b1011, 0, 0, 0, 1 << 28],
  spaceBytes: 1000,
  memoryBytes: 2000,
}

const host: HostOffers = {
  architecture: "amd64",
  kernelRelease: "6.12.5",
  criuVersion: 40201,
  cgroups: "v2",
  apparmor: false,
  apparmorProfiles: undefined,
  selinux: false,
  cpu: [0b1111, 0, 0, 0, 1 << 28],
  spaceBytes: 1000,
  memoryBytes: 2000,
}

const wrong = (changed: Partial<CheckpointNeeds>, other: Partial<HostOffers> = {}) =>
  hostFindings({ ...needs, ...changed }, { ...host, ...other })
    .filter(({ status }) => status !== "ok")
    .map(({ aspect, status }) => `${aspect} ${status}`)

describe("what a checkpoint needs, held against a host", () => {
  it.each([
    ["all is well", {}, {}, []],
    ["another processor architecture", { architecture: "arm64" }, {}, ["architecture no"]],
    ["an architecture that nothing tells", { architecture: "" }, {}, []],
    ["an older kernel", {}, { kernelRelease: "6.1.0-13" }, ["kernel warning"]],
    ["an older CRIU", {}, { criuVersion: 40100 }, ["criu warning"]],
    ["a format that CRIU does not know", { imagesVersion: 3 }, {}, ["criu no"]],
    ["a feature less", {}, { cpu: [0b1111, 0, 0, 0, 0] }, ["cpu no"]],
    ["a processor that nothing tells", { cpu: undefined }, { cpu: undefined }, []],
    ["another layout of cgroups", {}, { cgroups: "v1" }, ["cgroups warning"]],
    ["profiles without their module", { securityModule: "apparmor" }, {}, ["securityModule no"]],
    [
      "a profile that is not loaded",
      { securityModule: "apparmor", securityProfiles: ["web", "db"] },
      { apparmor: true, apparmorProfiles: ["db"] },
      ["securityModule no"],
    ],
    [
      "a profile that is loaded",
      { securityModule: "apparmor", securityProfiles: ["web"] },
      { apparmor: true, apparmorProfiles: ["db", "web"] },
      [],
    ],
    [
      "a profile of which nothing can be told",
      { securityModule: "apparmor", securityProfiles: ["web"] },
      { apparmor: true },
      [],
    ],
    ["profiles with their module", { securityModule: "selinux" }, { selinux: true }, []],
    ["a full disk", {}, { spaceBytes: 999 }, ["space no"]],
    ["too little memory", {}, { memoryBytes: 1999 }, ["memory no"]],
  ] as const)("%s", (_, changed, other, expected) => {
    expect(wrong(changed, other)).toEqual(expected)
  })

  it("names the features that are missing", () => {
    expect(missingFeatures([0, 0, 0, 0, (1 << 28) | (1 << 20)], [0, 0, 0, 0, 1 << 20])).toEqual(["avx"])
    expect(missingFeatures([0x8000_0000], [])).toEqual(["feature 0:31"])
  })

  it("says what to do about everything that is wrong", () => {
    for (const { problem, remedy, status } of hostFindings(
      { ...needs, architecture: "arm64", spaceBytes: 9e9 },
      host,
    )) {
      expect(problem === "").toBe(status === "ok")
      expect(remedy === "").toBe(status === "ok")
    }
  })
})
