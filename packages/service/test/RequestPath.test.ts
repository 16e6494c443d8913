import { describe, expect, it } from "vitest"
import { isSpoken, requestPath } from "../src/http/RequestPath.ts"

describe("a request's path", () => {
  it.each([
    ["GET", "/v5.4.2/libpod/containers/json?all=true", "/libpod/containers/json?all=true", "5.4.2"],
    ["GET", "/v4/libpod/info", "/libpod/info", "4"],
    ["GET", "/v5", "/", "5"],
    ["GET", "/_ping", "/_ping", undefined],
    ["GET", "/v5.4.2.1.0/libpod/info", "/v5.4.2.1.0/libpod/info", undefined],
    ["GET", "/version", "/version", undefined],
    ["GET", "/volumes", "/volumes", undefined],
  ])("%s %s loses its version", (method, url, wanted, version) => {
    expect(requestPath(method, url)).toEqual({ url: wanted, ...(version === undefined ? {} : { version }) })
  })

  it.each([
    ["GET", "/libpod/images/json", "/libpod/images/json"],
    ["GET", "/libpod/images/base/json?size=false", "/libpod/images/base/json?size=false"],
    ["GET", "/libpod/images/r.io/a/b:1/json", "/libpod/images/r.io%2Fa%2Fb:1/json"],
    ["GET", "/libpod/images/r.io%2Fa%2Fb:1/json", "/libpod/images/r.io%2Fa%2Fb:1/json"],
    [
      "POST",
      "/libpod/images/r.io:5000/web:1/push?destination=a/b",
      "/libpod/images/r.io:5000%2Fweb:1/push?destination=a/b",
    ],
    ["POST", "/libpod/images/pull?reference=a/b/json", "/libpod/images/pull?reference=a/b/json"],
    ["DELETE", "/libpod/images/r.io/a/json", "/libpod/images/r.io%2Fa%2Fjson"],
    ["DELETE", "/libpod/images/remove?images=a/b", "/libpod/images/remove?images=a/b"],
    ["GET", "/libpod/images/../../etc/passwd/json", "/libpod/images/..%2F..%2Fetc%2Fpasswd/json"],
  ])("%s %s has one segment for the image", (method, url, wanted) => {
    expect(requestPath(method, url).url).toBe(wanted)
  })

  it.each(["4", "4.0.0", "5.4.2", "6.1"])("version %s is spoken", (version) => expect(isSpoken(version)).toBe(true))
  it.each(["1.41", "3.4", "7", "40", "41.0"])("version %s is not", (version) => expect(isSpoken(version)).toBe(false))
})
