import { defaultInfra, defaultPod, type PodCreateOptions } from "@cryopod/entities"
import * as Result from "effect/Result"
import { describe, expect, it } from "vitest"
import { podOptionsOf, podSpecOf, type PodSpecGenerator } from "../../src/index.ts"

const read = (spec: PodSpecGenerator): PodCreateOptions | string =>
  Result.match(podOptionsOf(spec), { onSuccess: (one) => one, onFailure: (one) => one.message })

/** As a service without our own words has it. */
const withoutOwn = (options: PodCreateOptions): PodSpecGenerator => {
  const { cryopod: _, ...spec } = Result.getOrThrow(podSpecOf(options))
  return JSON.parse(JSON.stringify(spec)) as PodSpecGenerator
}

const other: PodCreateOptions = {
  name: "p",
  labels: { a: "b" },
  hostname: "h",
  exitPolicy: "stop",
  shares: ["net", "pid"],
  infra: {
    ...defaultInfra,
    name: "i",
    image: "base",
    command: "sleep 1",
    shmSize: "1048576",
    network: ["net:ip=10.99.0.5,alias=db", "podman"],
    publish: ["8080:80/tcp", "[::1]:53-54:53-54/udp"],
    dns: ["1.1.1.1"],
    dnsSearch: ["example.org"],
    dnsOption: ["ndots:3"],
    addHost: ["db:10.0.0.1"],
  },
  replace: false,
  createCommand: ["cryopod", "pod", "create"],
}

describe("a PodSpecGenerator", () => {
  const { infra: _, ...group } = defaultPod
  it.each<readonly [string, PodCreateOptions]>([
    ["with every option", other],
    ["without an infra container", { ...group, name: "p", shares: [] }],
  ])("%s means the same when it is read", (__, options) => {
    expect(read(withoutOwn(options))).toEqual(options)
    expect(read(Result.getOrThrow(podSpecOf(options)))).toEqual(options)
  })

  it("without options is a pod without options", () => expect(read({})).toEqual(defaultPod))

  it.each<readonly [string, PodSpecGenerator]>([
    ["volumes", { volumes: [{ Name: "v", Dest: "/v" }] }],
    ["limits", { resource_limits: { memory: { limit: 1 } } }],
    ["a user namespace", { userns: { nsmode: "keep-id" } }],
    ["a namespace that cannot be shared", { shared_namespaces: ["user", "mnt"] }],
    ["a field of the future", { brand_new: 1 }],
  ])("that asks for %s is refused", (_, spec) => expect(read(spec)).toContain("is not supported by this service"))
})
