/** Flat flags become requests, or are refused in Podman's words. */
import * as Result from "effect/Result"
import { describe, expect, it } from "vitest"
import {
  CheckpointFlags,
  checkpointRequest,
  defaultCheckpoint,
  optionValues,
  RestoreFlags,
  restoreRequest,
} from "../src/index.ts"

const checkpoint = (flags: Partial<CheckpointFlags>, ...names: ReadonlyArray<string>) =>
  checkpointRequest(
    optionValues(CheckpointFlags, flags),
    names,
    new Set(Object.keys(flags) as ReadonlyArray<keyof CheckpointFlags>),
  )
const restore = (flags: Partial<RestoreFlags>, ...names: ReadonlyArray<string>) =>
  restoreRequest(optionValues(RestoreFlags, flags), names)

const refusal = (result: Result.Result<unknown, { readonly message: string }>) =>
  Result.isFailure(result) ? result.failure.message : "accepted"

describe("a checkpoint is refused", () => {
  it.each([
    [{ compress: "zstd" }, "--compress can only be used with --export"],
    [
      { export: "/x", compress: "non-existing" },
      'selected compression algorithm ("non-existing") not supported. Please select one from: gzip, none, zstd',
    ],
    [{ ignoreRootfs: true }, "--ignore-rootfs can only be used with --export"],
    [{ ignoreVolumes: true, createImage: "x" }, "--ignore-volumes can only be used with --export"],
    [{ export: "/x", createImage: "y" }, "--export and --create-image cannot be used together"],
    [{ createImage: "" }, "--create-image needs the name of an image"],
    [{ preCheckpoint: true, withPrevious: true }, "--with-previous can not be used with --pre-checkpoint"],
    [{ all: true }, "--all or --latest and containers cannot be used together"],
    [
      { linkRemap: true, leaveRunning: true },
      "--link-remap cannot be used with --leave-running: what CRIU puts into the root file-system for it is gone when the container runs on",
    ],
    ...["much", "-1", "4g", "4294967296"].map(
      (ghostLimit) =>
        [
          { ghostLimit },
          `--ghost-limit does not know "${ghostLimit}", give a size from 0 to 4294967295 bytes, as 512k, 10m or 1g`,
        ] as const,
    ),
    [{ networkLock: "bpf" }, '--network-lock does not know "bpf", give iptables, nftables or skip'],
  ] as const)("%j", (flags, message) => {
    expect(refusal(checkpoint(flags, "web"))).toBe(message)
  })

  it("without names", () => {
    expect(refusal(checkpoint({}))).toBe("you must provide at least one name or id")
  })
})

it("reads a checkpoint's target, compression in any case, and phase", () => {
  expect(checkpoint({ export: "/x", compress: "GZIP", ignoreVolumes: true }, "web")).toMatchObject({
    success: {
      options: {
        target: { _tag: "Archive", destination: { path: "/x" }, compression: "gzip", ignoreVolumes: true },
        phase: "full",
      },
    },
  })
  expect(checkpoint({ withPrevious: true }, "web")).toMatchObject({ success: { options: { phase: "withPrevious" } } })
})

it("reads what CRIU is told, and leaves out what is not said", () => {
  const told = { ghostLimit: "10m", linkRemap: true, extUnixSk: true, networkLock: "nftables" }
  expect(checkpoint(told, "web")).toMatchObject({
    success: {
      options: {
        ghostLimitBytes: 10 * 2 ** 20,
        linkRemap: true,
        extUnixSk: true,
        shellJob: false,
        networkLock: "nftables",
      },
    },
  })
  expect(checkpoint({}, "web")).toMatchObject({ success: { options: defaultCheckpoint } })
  expect(restore({ shellJob: true }, "web")).toMatchObject({
    success: { options: { shellJob: true, extUnixSk: false } },
  })
})

describe("a restore is refused", () => {
  it.each([
    [{ importPrevious: "/p" }, ["web"], "--import-previous can only be used with image or --import"],
    [{ all: true, ignoreRootfs: true }, [], "--ignore-rootfs can only be used with image or --import"],
    [{ all: true, ignoreVolumes: true }, [], "--ignore-volumes can only be used with image or --import"],
    [{ latest: true, name: "n" }, [], "--name can only be used with image or --import"],
    [{ all: true, pod: "p" }, [], "--pod can only be used with image or --import"],
    [{ all: true, publish: ["80:80"] }, [], "--publish can only be used with image or --import"],
    [{ name: "n", tcpEstablished: true }, ["i"], "--tcp-established cannot be used with --name"],
    [{ import: "/x", all: true }, [], "cannot use --import with --all or --latest"],
    [{ import: "/x" }, ["web"], "cannot use --import with positional arguments"],
    [{ name: "n" }, ["a", "b"], "--name can only be used with one checkpoint image"],
    [{}, [], "you must provide at least one name or id"],
  ] as const)("%j %j", (flags, names, message) => {
    expect(refusal(restore(flags as Partial<RestoreFlags>, ...names))).toBe(message)
  })
})

it("reads a restore's archive with its predecessor", () => {
  expect(restore({ import: "/x", importPrevious: "/p" })).toMatchObject({
    success: {
      source: { _tag: "Archive", archive: { _tag: "File", path: "/x" }, previous: { _tag: "File", path: "/p" } },
    },
  })
})
