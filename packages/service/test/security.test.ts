/** What strangers, slow clients and big requests get: a refusal with its status, and a service that goes on. */
import * as fs from "node:fs"
import * as http from "node:http"
import * as https from "node:https"
import * as net from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { EngineMemory } from "@cryopod/entities/testing"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as References from "effect/References"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { type Address, type Certificates, type Limits, serve, standardLimits } from "../src/index.ts"
import { makeCertificates } from "./support/certificates.ts"

const directory = fs.mkdtempSync(join(tmpdir(), "cryopod-security-"))
const socketPath = join(directory, "engine.sock")
const versions = { program: "0.0.0", libpod: "5.4.2", docker: "1.41" }

/** Short times, so that what is too slow is found out soon. */
const limits: Limits = { ...standardLimits, headersMillis: 600, bodyBytes: 64 * 1024 }

const started: Array<Fiber.Fiber<unknown, unknown>> = []
const start = (address: Address) => {
  const fiber = Effect.runFork(
    serve({ address, versions, idleMillis: 0, limits }).pipe(
      Effect.provide(EngineMemory.layer()),
      Effect.provideService(References.MinimumLogLevel, "None"),
    ),
  )
  started.push(fiber)
  return fiber
}

const until = async (holds: () => boolean | Promise<boolean>) => {
  for (let tries = 0; tries < 200 && !(await holds()); tries++) await new Promise((resolve) => setTimeout(resolve, 20))
}

interface Answer {
  readonly status: number
  readonly body: string
}

const send = (
  options: http.RequestOptions & https.RequestOptions,
  body: string | Buffer = "",
  program: typeof http | typeof https = http,
): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const request = program.request({ method: "GET", agent: false, ...options }, (response) => {
      const parts: Array<Buffer> = []
      response.on("data", (part: Buffer) => parts.push(part))
      response.on("error", reject)
      response.on("end", () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(parts).toString() }))
    })
    request.on("error", reject)
    request.end(body)
  })

const ask = (method: string, path: string, body: string | Buffer = "", headers: http.OutgoingHttpHeaders = {}) =>
  send({ socketPath, method, path, headers }, body)

const alive = async () => expect(await ask("GET", "/v5.4.2/libpod/_ping")).toEqual({ status: 200, body: "OK" })

/** Bytes as they are, and everything that comes back until the connection is closed. */
const talk = (bytes: string | Buffer, open: net.NetConnectOpts = { path: socketPath }): Promise<string> =>
  new Promise((resolve) => {
    const socket = net.connect(open)
    let heard = ""
    socket.on("data", (part: Buffer) => (heard += part.toString("latin1")))
    socket.on("error", () => undefined)
    socket.on("close", () => resolve(heard))
    socket.write(bytes)
  })

beforeAll(async () => {
  start({ _tag: "Unix", path: socketPath })
  await until(() => fs.existsSync(socketPath))
})
afterAll(async () => {
  await Promise.all(started.map((fiber) => Effect.runPromise(Fiber.interrupt(fiber))))
  fs.rmSync(directory, { recursive: true, force: true })
})

describe("a Unix socket", () => {
  it("is for its owner alone", () => {
    expect(fs.statSync(socketPath).mode & 0o777).toBe(0o600)
  })

  it("is not taken from a service that answers there", async () => {
    const exit = await Effect.runPromise(Fiber.await(start({ _tag: "Unix", path: socketPath })))
    expect(Exit.isFailure(exit) && String(exit.cause)).toContain("address already in use")
    await alive()
  })
})

describe("plain TCP", () => {
  it("beyond loopback is not served, whoever composes the service", async () => {
    const exit = await Effect.runPromise(Fiber.await(start({ _tag: "Tcp", host: "0.0.0.0", port: 0 })))
    expect(Exit.isFailure(exit) && String(exit.cause)).toContain("would be root on this host")
  })
})

describe("TLS", () => {
  let certificates: Certificates
  let port = 0
  let identity: ReturnType<typeof makeCertificates>
  const hello = (client?: "client" | "stranger") => {
    const known = client === undefined ? {} : identity(client)
    return send(
      { host: "127.0.0.1", port, path: "/v5.4.2/libpod/_ping", ca: identity("ours").cert, ...known },
      "",
      https,
    )
  }

  beforeAll(async () => {
    identity = makeCertificates(directory)
    certificates = { ...identity("server"), clientCa: identity("ours").cert }
    const free = net.createServer().listen(0, "127.0.0.1")
    await new Promise((resolve) => free.once("listening", resolve))
    port = (free.address() as net.AddressInfo).port
    await new Promise((resolve) => free.close(resolve))
    start({ _tag: "Tcp", host: "127.0.0.1", port, certificates })
    await until(() =>
      hello("client").then(
        () => true,
        () => false,
      ),
    )
  })

  it("lets in whom its authority knows", async () => {
    expect(await hello("client")).toEqual({ status: 200, body: "OK" })
  })

  it("has no word for a client without a certificate", async () => {
    await expect(hello()).rejects.toThrow(/certificate required|ECONNRESET|socket hang up/)
  })

  it("has no word for a client whom another authority knows", async () => {
    await expect(hello("stranger")).rejects.toThrow(/unknown ca|certificate|ECONNRESET|socket hang up/i)
  })

  it("has no word for plain HTTP", async () => {
    expect(await talk("GET /_ping HTTP/1.1\r\nHost: x\r\n\r\n", { host: "127.0.0.1", port })).not.toContain(
      "HTTP/1.1 200",
    )
  })

  it("goes on after all of them", async () => {
    expect((await hello("client")).status).toBe(200)
  })
})

describe("names and values from the wire", () => {
  const libpod = "/v5.4.2/libpod"
  const json = { "content-type": "application/json" }
  it.each([
    ["GET", "/containers/..%2F..%2Fetc%2Fpasswd/json", "", 404],
    ["GET", "/containers/%2Fetc%2Fpasswd/json", "", 404],
    ["GET", "/containers/%00/json", "", 404],
    ["GET", "/images/..%2F..%2Fetc/json", "", 400],
    ["GET", "/images/../../../etc/passwd/json", "", 400],
    ["GET", "/volumes/..%2F..%2Fetc/json", "", 404],
    // libpod's own status for it
    ["POST", "/volumes/create", '{"Name":"../../etc"}', 500],
    ["POST", "/containers/x/rename?name=../x", "", 404],
    ["POST", "/images/pull?reference=dir:/etc", "", 400],
    ["POST", "/images/pull?reference=oci-archive:/etc/passwd", "", 400],
    ["POST", "/images/x/push?destination=dir:/tmp/x", "", 400],
    ["POST", "/images/import?url=file:///etc/passwd", "", 400],
    ["POST", "/containers/x/checkpoint?export=/etc/passwd", "", 400],
    ["POST", "/containers/x/stop?timeout=1e9", "", 400],
    ["POST", "/containers/x/resize?h=-99999999999999999999", "", 400],
    ["POST", "/containers/create", "{", 400],
    ["POST", "/containers/create", "[]", 400],
    ["GET", "/containers/json?filters={", "", 400],
    ["GET", "/../../etc/passwd", "", 404],
    ["GET", "/nothing", "", 404],
  ])("%s %s %s is refused with %i, in libpod's form", async (method, path, body, status) => {
    const answer = await ask(method, `${libpod}${path}`, body, body === "" ? {} : json)
    expect(answer.status).toBe(status)
    expect(JSON.parse(answer.body)).toMatchObject({
      cause: expect.any(String),
      message: expect.any(String),
      response: status,
    })
    await alive()
  })

  it("another version of the API is refused with 400", async () => {
    expect((await ask("GET", "/v3.0.0/libpod/_ping")).status).toBe(400)
  })
})

describe("the reference", () => {
  it("is a page, and a document that names every route", async () => {
    expect(await ask("GET", "/reference")).toMatchObject({
      status: 200,
      body: expect.stringContaining("/libpod/containers/json"),
    })
    const { body, status } = await ask("GET", "/openapi.json")
    expect([status, Object.keys((JSON.parse(body) as { readonly paths: object }).paths).length > 50]).toEqual([
      200,
      true,
    ])
  })
})

describe("too much", () => {
  it("of headers is refused with 431", async () => {
    expect(await talk(`GET /_ping HTTP/1.1\r\nHost: d\r\nX: ${"x".repeat(64 * 1024)}\r\n\r\n`)).toContain(
      "HTTP/1.1 431",
    )
    await alive()
  })

  it("of a path is refused with 431", async () => {
    expect(await talk(`GET /${"x".repeat(64 * 1024)} HTTP/1.1\r\nHost: d\r\n\r\n`)).toContain("HTTP/1.1 431")
    await alive()
  })

  it("of a body that is no stream is refused with 413", async () => {
    const body = JSON.stringify({ image: "base", name: "x".repeat(limits.bodyBytes + 1) })
    const answer = await ask("POST", "/v5.4.2/libpod/containers/create", body, { "content-type": "application/json" })
    expect(answer.status).toBe(413)
    await alive()
  })

  it("of a body in chunks is refused with 413 as well", async () => {
    const answer = await ask("POST", "/v5.4.2/libpod/volumes/create", Buffer.alloc(limits.bodyBytes * 2, " "), {
      "content-type": "application/json",
      "transfer-encoding": "chunked",
    })
    expect(answer.status).toBe(413)
    await alive()
  })

  it("of a body for a connection that is to be taken over is refused with 413", async () => {
    const answer = await ask("POST", "/v5.4.2/libpod/exec/x/start", Buffer.alloc(128 * 1024, " "))
    expect(answer.status).toBe(413)
    await alive()
  })

  it.each([
    ["no HTTP", "nonsense\r\n\r\n", /^HTTP\/1\.1 400/],
    [
      "two lengths",
      "POST /_ping HTTP/1.1\r\nHost: d\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
      /^HTTP\/1\.1 400/,
    ],
    [
      "a length and chunks",
      "POST /_ping HTTP/1.1\r\nHost: d\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      /^HTTP\/1\.1 400/,
    ],
  ])("%s is refused", async (_, bytes, wanted) => {
    expect(await talk(bytes)).toMatch(wanted)
    await alive()
  })
})

describe("too slow", () => {
  it("a client that never ends its headers is closed with 408", async () => {
    const began = performance.now()
    const heard = await talk("GET /_ping HTTP/1.1\r\nHost: d\r\nX-Slow: ")
    expect(heard).toContain("HTTP/1.1 408")
    expect(performance.now() - began).toBeLessThan(5000)
    await alive()
  })

  it("1,000 clients that say nothing keep nobody from being answered, and are closed", async () => {
    let closed = 0
    const connected = () =>
      new Promise<net.Socket>((resolve, reject) => {
        const socket = net.connect(socketPath)
        socket.once("connect", () => resolve(socket))
        socket.once("error", reject)
        socket.on("close", () => closed++)
        socket.resume()
      })
    const idle: Array<net.Socket> = []
    // a queue of connections to be accepted has its bounds
    while (idle.length < 1000) {
      idle.push(...(await Promise.all(Array.from({ length: 100 }, connected))))
      await alive()
    }
    const began = performance.now()
    await alive()
    expect(performance.now() - began).toBeLessThan(1000)
    await until(() => closed === idle.length)
    expect(closed).toBe(idle.length)
    await alive()
  }, 30_000)
})
