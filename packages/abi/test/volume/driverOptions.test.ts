/** What the local driver takes, keeps and refuses. */
import * as Result from "effect/Result"
import { describe, expect, it } from "vitest"
import { driverOptions } from "../../src/volume/driverOptions.ts"

const read = (options: Readonly<Record<string, string>>, driver = "local") =>
  driverOptions({ name: "v", driver, options, exists: (path) => path === "/there" })

describe("takes", () => {
  it.each([
    ["nothing", {}, { options: {} }],
    [
      "a tmpfs with a size and an owner, which are noted once more",
      { type: "tmpfs", device: "tmpfs", o: "size=1M,uid=5,gid=6,ro" },
      {
        options: { GID: "6", SIZE: "1M", UID: "5", device: "tmpfs", o: "size=1M,uid=5,gid=6,ro", type: "tmpfs" },
        uid: 5,
        gid: 6,
      },
    ],
    ["an owner alone", { o: "uid=1000" }, { options: { UID: "1000", o: "uid=1000" }, uid: 1000 }],
    ["no quota", { o: "noquota" }, { options: { NOQUOTA: "true", o: "noquota" } }],
    [
      "a directory that is there",
      { type: "bind", device: "/there", o: "bind" },
      { options: { device: "/there", o: "bind", type: "bind" } },
    ],
  ])("%s", (_, options, expected) => {
    expect(read(options)).toEqual(Result.succeed(expected))
  })
})

describe("refuses", () => {
  it.each([
    ["an unknown key", { bogus: "3" }, "invalid mount option bogus for driver 'local': invalid argument"],
    [
      "a directory that is not there",
      { type: "bind", device: "/nonexist", o: "bind" },
      "invalid volume option device for driver 'local': faccessat /nonexist: no such file or directory",
    ],
    ["an owner that is no number", { o: "uid=x" }, "cannot convert UID x to integer: invalid syntax"],
    ["a group that is no number", { o: "gid=-1" }, "cannot convert GID -1 to integer: invalid syntax"],
    [
      "a size that no file system would keep",
      { o: "size=10m" },
      "volume options size and inodes not supported. Filesystem does not support Project Quota",
    ],
  ])("%s", (_, options, message) => {
    expect(Result.getFailure(read(options))).toMatchObject({ value: { message } })
  })

  it("another driver", () => {
    expect(Result.getFailure(read({}, "foo"))).toMatchObject({
      value: {
        message:
          "volume v uses volume plugin foo but it could not be retrieved: no volume plugin with name foo available: required plugin missing",
      },
    })
  })
})
