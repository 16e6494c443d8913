/** Registries on loopback: a real one, and a front of it that wants a password. */
import { spawn } from "node:child_process"
import { once } from "node:events"
import * as fs from "node:fs"
import {
  createServer as createHttpServer,
  type IncomingMessage,
  type RequestListener,
  request as httpRequest,
  type ServerResponse,
} from "node:http"
import { createServer as createTlsServer } from "node:https"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"

export interface Registry {
  readonly address: string
  readonly stop: () => Promise<void>
}

export const startRegistry = async (): Promise<Registry> => {
  const directory = fs.mkdtempSync(join(tmpdir(), "cryopod-registry-"))
  const socket = createServer().listen(0, "127.0.0.1")
  await once(socket, "listening")
  const { port } = socket.address() as { port: number }
  socket.close()
  fs.writeFileSync(
    join(directory, "config.yml"),
    `version: 0.1\nlog: {level: error}\nstorage: {filesystem: {rootdirectory: ${directory}/data}}\nhttp: {addr: 127.0.0.1:${port}}\n`,
  )
  const registry = spawn("docker-registry", ["serve", join(directory, "config.yml")], { stdio: "ignore" })
  const address = `127.0.0.1:${port}`
  for (let tries = 0; tries < 100; tries++) {
    const answer = await fetch(`http://${address}/v2/`).catch(() => undefined)
    if (answer?.ok) break
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return {
    address,
    stop: async () => {
      registry.kill()
      await once(registry, "exit")
      fs.rmSync(directory, { recursive: true, force: true })
    },
  }
}

export interface Passed {
  readonly method: string
  readonly url: string
  /** `skopeo` or `cryopod`. */
  readonly by: string
}

export interface Front extends Registry {
  /** What was asked of the registry, in its order. */
  readonly passed: Array<Passed>
}

/** A registry's front that sees every request, and may answer it itself: then `answers` is true. */
export const startFront = async (
  behind: string,
  answers: (request: IncomingMessage, response: ServerResponse, asked: Passed) => boolean,
  /** It is reached by TLS then. */
  identity?: { readonly cert: string; readonly key: string },
): Promise<Front> => {
  const [host = "", port = ""] = behind.split(":")
  const passed: Array<Passed> = []
  const listener: RequestListener = (request, response) => {
    const { method = "", url = "" } = request
    const asked = { method, url, by: request.headers["user-agent"] === "cryopod" ? "cryopod" : "skopeo" }
    if (answers(request, response, asked)) return
    passed.push(asked)
    const headers = { ...request.headers, ...(identity && { "x-forwarded-proto": "https" }) }
    const forward = httpRequest({ host, port, path: url, method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers)
      answer.pipe(response)
    })
    request.pipe(forward)
  }
  const server = identity === undefined ? createHttpServer(listener) : createTlsServer(identity, listener)
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  const { port: own } = server.address() as { port: number }
  return {
    address: `127.0.0.1:${own}`,
    passed,
    stop: async () => {
      server.closeAllConnections()
      server.close()
    },
  }
}

/** A registry's front that wants a password. */
export const startGuard = (behind: string, creds: string): Promise<Front> =>
  startFront(behind, (request, response) => {
    if (request.headers.authorization === `Basic ${btoa(creds)}`) return false
    refuse(response, 'Basic realm="guard"')
    return true
  })

/** One that wants a token, which it gives for a password: Docker's registry documentation, "Token authentication". */
export const startTokenGuard = (behind: string, creds: string): Promise<Front> =>
  startFront(behind, (request, response) => {
    if (request.headers.authorization === "Bearer let-me-in") return false
    const { pathname, searchParams } = new URL(request.url ?? "", "http://front")
    if (pathname !== "/token") refuse(response, `Bearer realm="http://${request.headers.host}/token",service="front"`)
    else if (request.headers.authorization !== `Basic ${btoa(creds)}`) refuse(response, 'Basic realm="token"')
    else response.end(JSON.stringify({ token: searchParams.get("service") === "front" ? "let-me-in" : "stay" }))
    return true
  })

const refuse = (response: ServerResponse, challenge: string): void => {
  response.writeHead(401, { "www-authenticate": challenge, "content-type": "application/json" })
  response.end('{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}')
}
