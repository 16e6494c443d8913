import { expect, it } from "vitest"
import { type CheckpointArguments, checkpointArguments, criuConfiguration } from "../src/runtimeArguments.ts"

const plain: CheckpointArguments = {
  imagesDirectory: "/b/checkpoint",
  workDirectory: "/b",
  leaveRunning: false,
  tcpEstablished: false,
  fileLocks: false,
  cgroups: "manage",
  preDump: false,
}

const words = (options: Partial<CheckpointArguments>, runtime: "runc" | "crun" = "runc") =>
  checkpointArguments(runtime, "web", { ...plain, ...options }).join(" ")

it.each(["runc", "crun"] as const)("%s dumps in two rounds", (runtime) => {
  expect(words({ imagesDirectory: "/b/pre-checkpoint", preDump: true }, runtime)).toBe(
    "checkpoint --image-path /b/pre-checkpoint --work-path /b --pre-dump web",
  )
  expect(words({ parentPath: "../pre-checkpoint" }, runtime)).toBe(
    "checkpoint --image-path /b/checkpoint --work-path /b --parent-path ../pre-checkpoint web",
  )
})

it("each option is said once, and cgroups to crun alone", () => {
  const all = { leaveRunning: true, tcpEstablished: true, fileLocks: true, cgroups: "ignore" } as const
  expect(words(all)).toBe(
    "checkpoint --image-path /b/checkpoint --work-path /b --leave-running --tcp-established --file-locks web",
  )
  expect(words(all, "crun")).toBe(
    "checkpoint --image-path /b/checkpoint --work-path /b --leave-running --tcp-established --file-locks --manage-cgroups-mode ignore web",
  )
})

it.each(["runc", "crun"] as const)("CRIU's own options come to it by its file, with %s", (runtime) => {
  const told = (criu: Parameters<typeof criuConfiguration>[1]["criu"]) =>
    criuConfiguration(runtime, { tcp: "refuse", cgroups: "manage", ...(criu === undefined ? {} : { criu }) })
  expect(told(undefined)).toBe("")
  expect(told({ linkRemap: false, extUnixSk: false, shellJob: false, skipInFlight: false })).toBe("")
  expect(
    told({
      ghostLimitBytes: 0,
      linkRemap: true,
      extUnixSk: true,
      shellJob: true,
      skipInFlight: true,
      networkLock: "nftables",
    }),
  ).toBe("ext-unix-sk\nghost-limit=0\nlink-remap\nnetwork-lock=nftables\nshell-job\nskip-in-flight\n")
})
