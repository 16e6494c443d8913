/** A Node server for an address: limits set, certificates asked for, a Unix socket for its owner alone. */
import * as http from "node:http"
import * as https from "node:https"
import type { ListenOptions, Server } from "node:net"
import { hijackPlainRequests } from "../http/hijack.ts"
import type { Address } from "./Address.ts"
import type { Limits } from "./Limits.ts"

/** How often Node looks for clients that are too slow. */
const lookMillis = 1000

export const nodeServer = (address: Address, limits: Limits): http.Server => {
  const options = {
    // a body may be as large as a container's memory, and take its time
    requestTimeout: 0,
    headersTimeout: limits.headersMillis,
    connectionsCheckingInterval: lookMillis,
    keepAliveTimeout: limits.idleMillis,
    maxHeaderSize: limits.headersBytes,
    highWaterMark: 1 << 20,
  }
  const server =
    address._tag === "Tcp" && address.certificates !== undefined
      ? https.createServer({
          ...options,
          cert: address.certificates.cert,
          key: address.certificates.key,
          ca: address.certificates.clientCa,
          requestCert: true,
          rejectUnauthorized: true,
          minVersion: "TLSv1.2",
          handshakeTimeout: limits.headersMillis,
        })
      : http.createServer(options)
  server.maxConnections = limits.connections
  hijackPlainRequests(server)
  return listeningOn(server, address)
}

/** What is told to `listen`, by the address; the caller's own options say nothing. */
const listeningOn = <S extends Server>(server: S, address: Address): S => {
  const listen = server.listen.bind(server) as (options: ListenOptions | object, done?: () => void) => Server
  const plain = server.address.bind(server)
  return Object.assign(server, {
    listen: (_: unknown, done?: () => void) => {
      switch (address._tag) {
        case "Unix":
          return forOwnerOnly(() => listen({ path: address.path }, done))
        case "Inherited":
          return listen({ fd: address.fd }, done)
        case "Tcp":
          return listen({ host: address.host, port: address.port }, done)
      }
    },
    // a socket that was handed over has no address that Node knows
    address: () => plain() ?? `/proc/self/fd/${address._tag === "Inherited" ? address.fd : 0}`,
  })
}

/** The socket is made with mode 0600: there is no instant at which others could connect. */
const forOwnerOnly = <A>(bind: () => A): A => {
  const before = process.umask(0o177)
  try {
    return bind()
  } finally {
    process.umask(before)
  }
}
