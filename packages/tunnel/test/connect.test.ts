/** Ways to a service: sockets, ports, certificates, ssh; and what answers that is no service. */
import * as fs from "node:fs"
import * as http from "node:http"
import * as net from "node:net"
import { join } from "node:path"
import { expect, it } from "@effect/vitest"
import { SystemEngine } from "@cryopod/entities"
import { EngineMemory } from "@cryopod/entities/testing"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { afterEach, describe } from "vitest"
import { destinationOf, tunnelEngine, type TunnelSettings } from "../src/index.ts"
import { sshArguments } from "../src/connect/sshForward.ts"
import { type CertificateOwner, makeCertificates } from "../../service/test/support/certificates.ts"
import { once, serving, temporaryDirectory } from "./support/overService.ts"

describe("destinations", () => {
  it.each([
    ["unix:///run/x.sock", { _tag: "Unix", path: "/run/x.sock" }],
    ["unix:/run/x.sock", { _tag: "Unix", path: "/run/x.sock" }],
    ["tcp://127.0.0.1:8443", { _tag: "Tcp", host: "127.0.0.1", port: 8443 }],
    ["tcp://[::1]:8443", { _tag: "Tcp", host: "::1", port: 8443 }],
    ["ssh://host", { _tag: "Ssh", host: "host", path: "/run/cryopod/cryopod.sock" }],
    ["ssh://root@host:2222/run/x.sock", { _tag: "Ssh", host: "host", user: "root", port: 2222, path: "/run/x.sock" }],
  ])("%s", (url, wanted) => expect(Result.getOrThrow(destinationOf(url))).toEqual(wanted))
  it.each([
    "unix://relative",
    "tcp://host",
    "http://host",
    "host",
    "ssh://",
    "ssh://-oProxyCommand=touch%20x/",
    "ssh://-x@host",
  ])("%s is refused", (url) => expect(Result.isFailure(destinationOf(url))).toBe(true))
})

it("tells ssh to forward one socket and to run nothing", () => {
  expect(
    sshArguments(
      { _tag: "Ssh", host: "host", user: "root", port: 22, path: "/run/x.sock", identity: "/key" },
      "/tmp/l.sock",
    ).join(" "),
  ).toBe(
    "-N -T -o ExitOnForwardFailure=yes -o StreamLocalBindUnlink=yes -o StreamLocalBindMask=0177 -p 22 -i /key -l root -L /tmp/l.sock:/run/x.sock -- host",
  )
})

const told = (settings: TunnelSettings) =>
  Effect.flatMap(SystemEngine, (engine) => engine.info).pipe(
    Effect.map(({ host }) => host.ociRuntime.name),
    Effect.provide(tunnelEngine(settings)),
    Effect.result,
  )

const refused = (settings: TunnelSettings) =>
  Effect.map(told(settings), (result) => (Result.isFailure(result) ? result.failure : undefined))

const answering = (path: string, headers: http.OutgoingHttpHeaders, status = 200) =>
  Effect.acquireRelease(
    Effect.callback<http.Server>((resume) => {
      const server = http.createServer((_, response) => response.writeHead(status, headers).end("OK"))
      server.listen(path, () => resume(Effect.succeed(server)))
    }),
    (server) => Effect.sync(() => server.close()),
  )

const freePort = Effect.callback<number>((resume) => {
  const server = net.createServer().listen(0, "127.0.0.1", () => {
    const { port } = server.address() as net.AddressInfo
    server.close(() => resume(Effect.succeed(port)))
  })
})

describe("what is no service", () => {
  it.live("is told by its address and what stood in the way", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      const port = yield* freePort
      expect((yield* refused({ url: `unix://${directory}/none` }))?.message).toBe(
        `cannot reach the engine at unix://${directory}/none: no such file or directory`,
      )
      expect((yield* refused({ url: `tcp://127.0.0.1:${port}` }))?.message).toBe(
        `cannot reach the engine at tcp://127.0.0.1:${port}: connection refused`,
      )
      yield* answering(join(directory, "other"), {})
      expect((yield* refused({ url: `unix://${directory}/other` }))?.message).toContain(
        "no libpod service answers there",
      )
      yield* answering(join(directory, "old"), { "libpod-api-version": "3.4.0" })
      expect((yield* refused({ url: `unix://${directory}/old` }))?.message).toBe(
        'server API version is too old. Client "5.4.2" server "3.4.0"',
      )
    }),
  )

  it.live("and whatever goes away later is told in the same words", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      const url = `unix://${directory}/engine`
      const server = http.createServer((request, response) => {
        if (request.url?.endsWith("_ping") === true)
          response.writeHead(200, { "libpod-api-version": "5.4.2" }).end("OK")
        else request.socket.destroy()
      })
      yield* Effect.callback<void>((resume) => void server.listen(join(directory, "engine"), () => resume(Effect.void)))
      expect((yield* refused({ url }))?.message).toBe(
        `cannot reach the engine at ${url}: the connection was broken off`,
      )
      server.close()
    }),
  )
})

describe("TCP", () => {
  it.live("reaches a service on loopback", () =>
    Effect.gen(function* () {
      const port = yield* freePort
      yield* serving(EngineMemory.layer(), { _tag: "Tcp", host: "127.0.0.1", port })
      const ready = once(tunnelEngine({ url: `tcp://127.0.0.1:${port}` }))
      const name = yield* Effect.flatMap(SystemEngine, (engine) => engine.info).pipe(
        Effect.map(({ host }) => host.ociRuntime.name),
        Effect.provide(ready),
      )
      expect(name).toBe("crun")
    }),
  )

  it.live("with certificates of both sides, and with no others", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      const identity = makeCertificates(directory)
      const port = yield* freePort
      const url = `tcp://127.0.0.1:${port}`
      yield* serving(EngineMemory.layer(), {
        _tag: "Tcp",
        host: "127.0.0.1",
        port,
        certificates: { ...identity("server"), clientCa: identity("ours").cert },
      })
      const as = (owner: CertificateOwner, ca: CertificateOwner = "ours") => ({
        url,
        certificates: { ca: identity(ca).cert, ...identity(owner) },
      })
      yield* Effect.sleep("200 millis")
      expect(yield* told(as("client"))).toEqual(Result.succeed("crun"))
      expect((yield* refused(as("stranger")))?._tag).toBe("EngineUnreachable")
      expect((yield* refused({ url, certificates: { ca: identity("ours").cert } }))?._tag).toBe("EngineUnreachable")
      // whoever is asked must be known, too
      expect((yield* refused(as("client", "theirs")))?.message).toMatch(/certificate|self-signed/)
      expect((yield* refused({ url }))?._tag).toBe("EngineUnreachable")
    }),
  )
})

describe("ssh", () => {
  const path = process.env["PATH"]
  afterEach(() => void (process.env["PATH"] = path))

  /** An `ssh` that forwards by socat, and says what it was asked for. */
  const program = (directory: string, script: string) => {
    fs.writeFileSync(join(directory, "ssh"), `#!/bin/sh\n${script}\n`, { mode: 0o755 })
    process.env["PATH"] = `${directory}:${path}`
  }

  it.live("goes through the program of that name, which ends with the engine", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      yield* serving(EngineMemory.layer(), { _tag: "Unix", path: join(directory, "engine.sock") })
      program(
        directory,
        `echo "$$ $*" > ${directory}/asked
         while [ "$1" != -L ]; do shift; done
         exec socat "UNIX-LISTEN:\${2%%:*},fork" "UNIX-CONNECT:\${2#*:}"`,
      )
      const url = `ssh://root@far.example:2222${directory}/engine.sock`
      yield* Effect.sleep("200 millis")
      expect(yield* told({ url })).toEqual(Result.succeed("crun"))
      const [pid = "", ...asked] = fs.readFileSync(join(directory, "asked"), "utf8").trim().split(" ")
      expect(asked.join(" ")).toMatch(/-p 2222 -l root -L \S+engine\.sock:\S+engine\.sock -- far\.example$/)
      yield* Effect.sleep("20 millis").pipe(Effect.repeat({ until: () => !fs.existsSync(`/proc/${pid}`), times: 100 }))
      expect(fs.existsSync(`/proc/${pid}`)).toBe(false)
    }),
  )

  it.live("tells what the program says when it does not get there", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      program(directory, "echo 'warning: x' >&2; echo 'Permission denied (publickey).' >&2; exit 255")
      expect((yield* refused({ url: "ssh://far.example/x" }))?.message).toBe(
        "cannot reach the engine at ssh://far.example/x: Permission denied (publickey).",
      )
    }),
  )
})
