import { toolPurposes, type ToolName } from "@cryopod/host"
import * as Result from "effect/Result"
import { describe, expect, it } from "vitest"
import { hostFindings, hostFit } from "../../src/system/HostFindings.ts"
import type { HostReading } from "../../src/system/HostReading.ts"
import {
  shortVersion,
  type ToolAnswer,
  type ToolCircumstances,
  toolFindings,
  toolsFit,
} from "../../src/system/ToolFindings.ts"

const good: Partial<Record<ToolName, string>> = {
  criu: "Version: 4.2.1",
  crun: "crun version 1.21\nspec: 1.0.0\n+SYSTEMD +SELINUX +CAP +SECCOMP +EBPF +CRIU +YAJL",
}

const answers = (changes: Partial<Record<ToolName, "missing" | "broken" | { readonly says: string }>> = {}) =>
  (Object.keys(toolPurposes) as ReadonlyArray<ToolName>).map((name): ToolAnswer => {
    const change = changes[name]
    if (change === "missing") return { name, path: "", version: Result.fail("cannot be started") }
    if (change === "broken") return { name, path: `/bin/${name}`, version: Result.fail("exit status 127") }
    return { name, path: `/bin/${name}`, version: Result.succeed(change?.says ?? good[name] ?? `${name} 1.2.3`) }
  })

const here: ToolCircumstances = {
  kernelRelease: "6.18.44",
  hybridControllers: "",
  root: true,
  criuCheck: { exitCode: 0, stdout: "Looks good.\n", stderr: "" },
}

const find = (
  name: ToolName,
  changes: Parameters<typeof answers>[0] = {},
  circumstances: Partial<ToolCircumstances> = {},
) => {
  const findings = toolFindings(answers(changes), { ...here, ...circumstances })
  const finding = findings.find((one) => one.name === name)
  if (finding === undefined) throw new Error(`no finding of ${name}`)
  return { finding, fit: toolsFit(findings), findings }
}

describe("programs", () => {
  it("are found fit when all of them answer", () => {
    const { finding, fit, findings } = find("criu")
    expect(fit).toBe(true)
    expect(finding).toMatchObject({
      path: "/bin/criu",
      version: "4.2.1",
      importance: "required",
      status: "ok",
      problem: "",
    })
    expect(findings.map(({ name }) => name)).toEqual(Object.keys(toolPurposes))
  })

  it.each([
    "conmon",
    "criu",
    "skopeo",
    "umoci",
    "tar",
    "mount",
    "umount",
    "unshare",
    "ip",
    "getfattr",
    "iptables",
  ] as const)("make the host unfit when %s is missing or broken", (name) => {
    expect(find(name, { [name]: "missing" })).toMatchObject({
      fit: false,
      finding: { status: "missing", importance: "required" },
    })
    expect(find(name, { [name]: "broken" })).toMatchObject({
      fit: false,
      finding: { status: "broken", importance: "required" },
    })
  })

  it.each(["netavark", "nft", "socat", "ps"] as const)("can be used without %s", (name) => {
    expect(find(name, { [name]: "missing" })).toMatchObject({
      fit: true,
      finding: { status: "missing", importance: "optional" },
    })
  })

  it("need one runtime, whichever", () => {
    expect(find("crun", { crun: "missing" })).toMatchObject({ fit: true, finding: { importance: "optional" } })
    expect(find("runc", { runc: "broken" })).toMatchObject({ fit: true, finding: { importance: "optional" } })
    expect(find("runc", { runc: "missing", crun: "missing" })).toMatchObject({
      fit: false,
      finding: { importance: "required" },
    })
  })

  it("say of a crun without CRIU that it is", () => {
    expect(find("crun", { crun: { says: "crun version 1.8.1\n+SYSTEMD -CRIU +YAJL" } })).toMatchObject({
      fit: true,
      finding: { status: "unfit", problem: "built without CRIU", version: "1.8.1" },
    })
  })

  it("say of crun that it refuses a hybrid layout", () => {
    expect(find("crun", {}, { hybridControllers: "hugetlb rdma" })).toMatchObject({
      fit: true,
      finding: {
        status: "unfit",
        problem: expect.stringContaining("v2 has hugetlb, rdma"),
        remedy: "use runc, or boot with one hierarchy",
      },
    })
    expect(find("crun", { runc: "missing" }, { hybridControllers: "hugetlb" })).toMatchObject({ fit: false })
  })

  it("say of a CRIU that is too old for the kernel which one it takes", () => {
    expect(find("criu", { criu: { says: "Version: 3.17.1" } })).toMatchObject({
      fit: false,
      finding: { status: "unfit", version: "3.17.1", remedy: "run scripts/setup, or install CRIU 4.2 or newer" },
    })
  })

  it("say what CRIU's own check says", () => {
    const criuCheck = {
      exitCode: 1,
      stdout: "",
      stderr: "Warn  (criu/x.c:1): old\nError (criu/cr-check.c:100): System call kcmp is not supported\n",
    }
    expect(find("criu", {}, { criuCheck })).toMatchObject({
      fit: false,
      finding: {
        status: "unfit",
        problem: "its own check fails: Error (criu/cr-check.c:100): System call kcmp is not supported",
      },
    })
    expect(find("criu", {}, { criuCheck, root: false }).finding.remedy).toBe("run as root")
  })

  it("have a remedy beside every problem", () => {
    for (const change of ["missing", "broken"] as const) {
      const all = Object.fromEntries(Object.keys(toolPurposes).map((name) => [name, change]))
      for (const { problem, remedy, status } of toolFindings(answers(all), here)) {
        expect(status).toBe(change)
        expect(problem).not.toBe("")
        expect(remedy).not.toBe("")
      }
    }
  })
})

describe("version numbers", () => {
  it.each([
    ["conmon version 2.1.12\ncommit: unknown", "2.1.12"],
    ["runc version 1.1.15+ds1\ncommit: 1.1.15+ds1-2+b4\nspec: 1.2.0", "1.1.15+ds1"],
    ["runc version 1.3.0-rc.1+dev", "1.3.0-rc.1+dev"],
    ["tar (GNU tar) 1.34", "1.34"],
    ["ip utility, iproute2-6.1.0, libbpf 1.1.2", "6.1.0"],
    ["mount from util-linux 2.38.1 (libmount 2.38.1: selinux)", "2.38.1"],
    ["iptables v1.8.9 (nf_tables)", "1.8.9"],
    ["socat by Gerhard Rieger - see www.dest-unreach.org\nsocat version 1.7.4.4 on 06 Nov 2022", "1.7.4.4"],
    ["nothing of the kind", ""],
  ])("of %j is %j", (text, version) => expect(shortVersion(text)).toBe(version))
})

const reading: HostReading = {
  uid: 0,
  effectiveCapabilities: 0x1ff_ffff_ffffn,
  kernelRelease: "6.18.44",
  architecture: "amd64",
  cgroups: "v2",
  hybridControllers: "",
  memoryTracking: true,
  userfaultfd: true,
  overlay: true,
  root: "/var/lib/cryopod",
  availableBytes: 2 ** 36,
  apparmor: "",
  selinux: "",
  ptraceScope: "",
}

describe("the host", () => {
  it("is fit with nothing to say of it", () => {
    const findings = hostFindings(reading)
    expect(findings.map(({ status }) => status)).toEqual(findings.map(() => "ok"))
    expect(findings.every(({ problem, remedy, value }) => problem === "" && remedy === "" && value !== "")).toBe(true)
    expect(hostFit(findings)).toBe(true)
  })

  it.each([
    ["another user", { uid: 1000 }, "privileges", "unfit"],
    ["root without its capabilities", { effectiveCapabilities: 0xa80425fbn }, "privileges", "unfit"],
    ["no overlay", { overlay: false }, "overlay file systems", "unfit"],
    ["forbidden tracing", { ptraceScope: "3" }, "process tracing", "unfit"],
    ["another architecture", { architecture: "s390x" }, "architecture", "limited"],
    [
      "controllers in two hierarchies",
      { cgroups: "hybrid" as const, hybridControllers: "hugetlb" },
      "cgroups",
      "limited",
    ],
    ["an empty second hierarchy", { cgroups: "hybrid" as const }, "cgroups", "ok"],
    ["no memory tracking", { memoryTracking: false }, "memory tracking", "limited"],
    ["no answer about memory tracking", { memoryTracking: undefined }, "memory tracking", "limited"],
    ["no userfaultfd", { userfaultfd: false }, "userfaultfd", "limited"],
    ["little room", { availableBytes: 2 ** 29 }, "free space", "limited"],
    ["no CAP_SYS_RESOURCE", { effectiveCapabilities: 0x1ff_feff_ffffn }, "resource limits", "limited"],
    ["SELinux enforcing", { selinux: "1" }, "security module", "limited"],
    ["SELinux permissive", { selinux: "0" }, "security module", "ok"],
    ["AppArmor", { apparmor: "Y" }, "security module", "ok"],
    ["v1 cgroups", { cgroups: "v1" as const }, "cgroups", "ok"],
  ])("with %s", (_, change, name, status) => {
    const findings = hostFindings({ ...reading, ...change })
    const finding = findings.find((one) => one.name === name)
    expect(finding?.status).toBe(status)
    expect(finding?.remedy === "").toBe(status === "ok")
    expect(finding?.problem === "").toBe(status === "ok")
    expect(hostFit(findings)).toBe(status !== "unfit")
  })
})
