import { describe, expect, it } from "vitest"
import {
  compareCriuVersions,
  criuMinimum,
  criuShortcoming,
  type CriuVersion,
  formatCriuInteger,
  formatCriuVersion,
  libpodCriuInteger,
  parseCriuVersion,
  parseKernelRelease,
} from "../src/index.ts"

const version = (text: string): CriuVersion => {
  const parsed = parseCriuVersion(text)
  if (parsed === undefined) throw new Error(`no version in ${text}`)
  return parsed
}
const kernel = (text: string) => parseKernelRelease(text) ?? { major: 0, minor: 0 }

describe("criu --version", () => {
  it.each([
    ["Version: 4.2.1\n", "4.2.1", 40_201],
    ["Version: 4.2\n", "4.2", 40_200],
    ["Version: 3.17.1\nGitID: v3.17.1\n", "3.17.1", 31_701],
    ["Version: 4.2.1-rc1\n", "4.2.1-rc1", 40_201],
    ["Warn: something first\nVersion: 4.1.1\n", "4.1.1", 40_101],
    ["3.11", "3.11", 31_100],
    ["v10.0.12", "10.0.12", 100_012],
  ])("reads %j", (text, formatted, integer) => {
    expect(formatCriuVersion(version(text))).toBe(formatted)
    expect(version(text).integer).toBe(integer)
  })

  it.each(["", "Version: \n", "criu: command not found", "Version: four", "GitID: v4.2", "crun version 1.21"])(
    "finds none in %j",
    (text) => expect(parseCriuVersion(text)).toBeUndefined(),
  )

  it("orders releases and their candidates", () => {
    const sorted = ["4.2", "4.2.1", "3.17.1", "4.2.1-rc2", "4.2.1-rc10", "4.10"].map(version).sort(compareCriuVersions)
    expect(sorted.map(formatCriuVersion)).toEqual(["3.17.1", "4.2", "4.2.1-rc2", "4.2.1-rc10", "4.2.1", "4.10"])
  })

  it("counts a build from git as libpod does", () => {
    expect(libpodCriuInteger(version("Version: 4.2.1\n"))).toBe(40_201)
    expect(libpodCriuInteger(version("Version: 3.17.1\nGitID: v3.17.1-340-g4806\n"))).toBe(31_800)
  })

  it("writes integers as people do", () => {
    expect([40_201, 40_200, 31_701, 31_100].map(formatCriuInteger)).toEqual(["4.2.1", "4.2", "3.17.1", "3.11"])
  })
})

describe("kernel releases", () => {
  it.each([
    ["6.18.44-fc-v657", { major: 6, minor: 18 }],
    ["6.1.0-26-amd64", { major: 6, minor: 1 }],
    ["7.1-rc3", { major: 7, minor: 1 }],
    ["5.14.0-362.8.1.el9_3.x86_64\n", { major: 5, minor: 14 }],
  ])("reads %j", (text, release) => expect(parseKernelRelease(text)).toEqual(release))

  it.each(["", "linux", "6", "6."])("finds none in %j", (text) => expect(parseKernelRelease(text)).toBeUndefined())

  it.each([
    ["5.10.0", 31_100],
    ["6.1.0-26-amd64", 31_100],
    ["6.12.9", 31_100],
    ["6.13.0", 40_100],
    ["6.16.1", 40_200],
    ["6.18.44-fc-v657", 40_200],
    ["7.0.3", 40_200],
    ["7.1.0", 40_201],
  ])("asks on %s for %i", (release, minimum) => expect(criuMinimum(kernel(release)).minimum).toBe(minimum))
})

describe("which CRIU can serve which kernel", () => {
  it.each([
    ["3.17.1", "6.18.44", "SO_PASSCRED"],
    ["4.1.1", "6.18.44", "SO_PASSCRED"],
    ["3.17.1", "6.14.0", "vDSO"],
    ["4.2", "7.1.0", "UDP-Lite"],
    ["3.10", "5.10.0", "reliably"],
  ])("%s cannot serve %s", (criu, release, word) =>
    expect(criuShortcoming(version(criu), kernel(release))?.reason).toContain(word),
  )

  it.each([
    ["4.2.1", "6.18.44"],
    ["4.2", "6.16.0"],
    ["3.17.1", "6.1.0"],
    ["3.11", "4.19.0"],
  ])("%s serves %s", (criu, release) => expect(criuShortcoming(version(criu), kernel(release))).toBeUndefined())
})
