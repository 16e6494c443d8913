/** Flat flags become pods, filters become tests, or both are refused in Podman's words. */
import * as Result from "effect/Result"
import { describe, expect, it } from "vitest"
import {
  namespaceMode,
  optionValues,
  PodCreateFlags,
  podCreateOptions,
  podFilter,
  type PodSummary,
} from "../src/index.ts"

const pod = (flags: Partial<PodCreateFlags>, ...names: ReadonlyArray<string>) =>
  podCreateOptions(
    optionValues(PodCreateFlags, flags),
    names,
    new Set(Object.keys(flags) as ReadonlyArray<keyof PodCreateFlags>),
  )

const refusal = (result: Result.Result<unknown, { readonly message: string }>) =>
  Result.isFailure(result) ? result.failure.message : "accepted"

describe("a pod is refused", () => {
  it.each([
    [{ name: "a" }, ["b"], "cannot specify --name and NAME at the same time"],
    [{ infra: false, share: "ipc" }, [], "cannot set share(ipc) namespaces without an infra container"],
    [
      { infra: false, infraName: "x" },
      [],
      "NoInfra and InfraName are mutually exclusive pod options: invalid pod spec",
    ],
    [
      { infra: false, infraImage: "x" },
      [],
      "NoInfra and InfraImage are mutually exclusive pod options: invalid pod spec",
    ],
    [{ infra: false, network: ["host"] }, [], "NoInfra and network modes cannot be used together"],
    [{ share: "foo" }, [], "invalid kernel namespace to share: foo. Options are: cgroup, ipc, net, pid, uts or none"],
    [{ share: "net,mnt" }, [], "mount sharing functionality not supported on pod level"],
    [
      { share: "cgroup" },
      [],
      "cannot define the pod as the cgroup parent at the same time as joining the infra container's cgroupNS: invalid argument",
    ],
    [
      { name: "bad name" },
      [],
      "running pod create option: names must match [a-zA-Z0-9][a-zA-Z0-9_.-]*: invalid argument",
    ],
    [{ exitPolicy: "foo" }, [], 'running pod create option: invalid pod exit policy: "foo"'],
    [{ replace: true }, [], "cannot replace pod without --name being set"],
  ])("%j %j", (flags, names, message) => {
    expect(refusal(pod(flags, ...names))).toBe(message)
  })
})

describe("a pod shares", () => {
  it.each([
    [{}, ["ipc", "net", "uts"]],
    [{ share: "uts,pid" }, ["pid", "uts"]],
    [{ share: "+pid" }, ["ipc", "net", "pid", "uts"]],
    [{ share: "net,user" }, ["net"]],
    [{ share: "cgroup,net", shareParent: false }, ["cgroup", "net"]],
    [{ share: "none", infra: true }, []],
  ])("with %j", (flags, shares) => {
    expect(pod(flags)).toMatchObject({ success: { shares, infra: {} } })
  })

  it.each([[{ share: "none" }], [{ share: "" }], [{ infra: false }]])(
    "nothing, and needs nothing for it, with %j",
    (flags) => {
      const made = pod(flags)
      expect(made).toMatchObject({ success: { shares: [] } })
      expect(Result.isSuccess(made) && "infra" in made.success).toBe(false)
    },
  )
})

it("a pod's name may be an argument or a flag, its labels are pairs", () => {
  expect(pod({}, "web")).toMatchObject({ success: { name: "web" } })
  expect(pod({ name: "web", label: ["a=b=c", "bare"] })).toMatchObject({
    success: { name: "web", labels: { a: "b=c", bare: "" } },
  })
})

describe("a namespace mode", () => {
  it.each([
    ["", { _tag: "Default" }],
    ["private", { _tag: "Private" }],
    ["shareable", { _tag: "Private" }],
    ["host", { _tag: "Host" }],
    ["pod", { _tag: "Pod" }],
    ["container:web", { _tag: "Container", ref: "web" }],
  ])("%j", (text, mode) => {
    expect(namespaceMode(text, ["shareable"])).toMatchObject({ success: mode })
  })

  it.each(["foo", "container:", "ns:/proc/1/ns/net", "shareable"])("%j is refused", (text) => {
    expect(refusal(namespaceMode(text))).toBe(`unrecognized namespace mode ${text} passed`)
  })
})

describe("a filter of pods", () => {
  const row = {
    Cgroup: "",
    Containers: [{ Id: "c0ffee", Names: "web-1", Status: "exited", RestartCount: 0 }],
    Created: "2026-01-01T00:00:00Z",
    Id: "abc123",
    InfraId: "c0ffee",
    Name: "web",
    Namespace: "",
    Networks: ["podman"],
    Status: "Degraded",
    Labels: { tier: "front" },
  } satisfies PodSummary
  const fits = (...texts: ReadonlyArray<string>) => Result.getOrThrow(podFilter(texts))(row)

  it.each([
    [["id=abc"], true],
    [["id=bc"], false],
    [["name=^w"], true],
    [["name=db", "name=web"], true],
    [["status=degraded"], true],
    [["status=running"], false],
    [["label=tier"], true],
    [["label=tier=back"], false],
    [["label!=tier=back"], true],
    [["network=podman"], true],
    [["ctr-ids=c0"], true],
    [["ctr-names=web-"], true],
    [["ctr-number=1"], true],
    [["ctr-number=2"], false],
    [["ctr-status=stopped"], true],
    [["name=web", "status=running"], false],
  ])("%j", (texts, expected) => {
    expect(fits(...texts)).toBe(expected)
  })

  it.each([
    ["foo=x", "foo is an invalid filter"],
    ["name", "filter input must be in the form of filter=value: name is invalid"],
    ["status=asleep", "asleep is not a valid pod status"],
    ["ctr-status=asleep", "asleep is not a valid status"],
  ])("%j is refused", (text, message) => {
    expect(refusal(podFilter([text]))).toBe(message)
  })
})
