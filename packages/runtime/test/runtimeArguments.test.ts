import { expect, it } from "vitest"
import { type CheckpointArguments, checkpointArguments } from "../src/runtimeArguments.ts"

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
