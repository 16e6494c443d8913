/**
 * Connections that are taken out of HTTP without being asked to.
 *
 * Clients that start an exec session read and write its connection as soon as the head of the response has come, and say so
 * nowhere: podman's bindings send neither `Connection: Upgrade` nor look at how the body is framed (podman
 * `pkg/bindings/containers/attach.go`). Such a request becomes an upgrade here, whose answer begins with 200 in place of
 * 101, and whose bytes are those of the connection.
 */
import type { IncomingMessage, Server, ServerResponse } from "node:http"
import type { Socket } from "node:net"

/** Requests whose connection their clients take over, behind any version of the API. */
const takingOver = /^(?:\/v[\d.]+)?(?:\/libpod)?\/(?:containers\/[^/?]+\/attach|exec\/[^/?]+\/start)(?:\?|$)/

/** Largest body of such a request: a few fields of JSON. */
const maximumBody = 64 * 1024

const switching = Buffer.from("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n")
const succeeding = Buffer.from("HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.raw-stream\r\n")

export const hijackPlainRequests = (server: Server): void => {
  const emit = server.emit.bind(server) as (event: string, ...values: ReadonlyArray<unknown>) => boolean
  server.emit = (event: string, ...values: Array<unknown>): boolean => {
    const [request, response] = values as [IncomingMessage, ServerResponse]
    const plain = event === "request" && request.method === "POST" && takingOver.test(request.url ?? "")
    if (!plain) return emit(event, ...values)
    takeOver(request, response, (socket, body) => emit("upgrade", request, socket, body))
    return true
  }
}

const takeOver = (
  request: IncomingMessage,
  response: ServerResponse,
  upgrade: (socket: Socket, body: Buffer) => void,
): void => {
  const { socket } = request
  const parts: Array<Buffer> = []
  let length = 0
  request.on("data", (part: Buffer) => {
    length += part.length
    if (length <= maximumBody) parts.push(part)
    // the rest of it is on its way still
    else if (!response.headersSent) response.writeHead(413, { connection: "close" }).end()
  })
  request.once("end", () => {
    if (length > maximumBody) return
    // the response is ours to write from here on, and what comes is no HTTP any more
    response.detachSocket(socket)
    for (const event of ["data", "end", "drain", "timeout", "pause", "resume"]) socket.removeAllListeners(event)
    socket.setTimeout(0)
    // as Node leaves a socket that was upgraded: what comes waits for whoever reads
    Object.assign(socket, { readableFlowing: null })
    request.headers.connection = "Upgrade"
    request.headers.upgrade = "tcp"
    delete request.headers["transfer-encoding"]
    request.headers["content-length"] = String(length)
    answerPlainly(socket)
    upgrade(socket, Buffer.concat(parts))
  })
}

/** The head of an answer that switches protocols, in the words of one that does not. */
const answerPlainly = (socket: Socket): void => {
  const write = socket.write.bind(socket) as (...values: ReadonlyArray<unknown>) => boolean
  socket.write = (chunk: string | Uint8Array, ...others: Array<unknown>): boolean => {
    socket.write = write as Socket["write"]
    const head = typeof chunk === "string" ? Buffer.from(chunk, "latin1") : Buffer.from(chunk)
    return head.subarray(0, switching.length).equals(switching)
      ? write(Buffer.concat([succeeding, head.subarray(switching.length)]), ...others.filter(isCallback))
      : write(chunk, ...others)
  }
}

const isCallback = (value: unknown): boolean => typeof value === "function"
