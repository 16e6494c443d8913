/** Registries on loopback: a real one, and a front of it that wants a password. */
import { spawn } from "node:child_process"
import { once } from "node:events"
import * as fs from "node:fs"
import { createServer as createHttpServer, request as httpRequest } from "node:http"
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

/** A registry's front that wants a password. */
export const startGuard = async (behind: string, creds: string): Promise<Registry> => {
  const [host = "", port = ""] = behind.split(":")
  const server = createHttpServer((request, response) => {
    if (request.headers.authorization !== `Basic ${btoa(creds)}`) {
      response.writeHead(401, { "www-authenticate": 'Basic realm="guard"', "content-type": "application/json" })
      response.end('{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}')
      return
    }
    const headers = { ...request.headers }
    const forward = httpRequest({ host, port, path: request.url, method: request.method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers)
      answer.pipe(response)
    })
    request.pipe(forward)
  }).listen(0, "127.0.0.1")
  await once(server, "listening")
  const { port: own } = server.address() as { port: number }
  return {
    address: `127.0.0.1:${own}`,
    stop: async () => {
      server.closeAllConnections()
      server.close()
    },
  }
}
