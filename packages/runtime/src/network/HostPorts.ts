/**
 * Ports of this host that containers publish. A published port is bound by a socket that nobody reads, and that conmon keeps
 * for as long as the container runs: so no other program can have the port, and two containers cannot either.
 */
import * as dgram from "node:dgram"
import * as net from "node:net"
import { NetworkOptionInvalid, PortInUse, type PortMapping, PortUnavailable } from "@cryopod/entities"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"

interface Bound {
  readonly port: number
  /** Undefined where Node does not say. */
  readonly descriptor: number | undefined
  readonly close: () => void
}

type Wanted = Pick<PortMapping, "host_ip" | "protocol"> & { readonly port: number }

/** Descriptors of the bound sockets, for a program that is to keep them; ours are closed with the scope. */
export const bindPorts = Effect.fnUntraced(function* (
  mappings: ReadonlyArray<PortMapping>,
): Effect.fn.Return<ReadonlyArray<number>, PortInUse | PortUnavailable, Scope.Scope> {
  const descriptors: Array<number> = []
  for (const { host_ip, host_port, protocol, range } of mappings) {
    for (let port = host_port; port < host_port + range; port++) {
      const bound = yield* Effect.acquireRelease(bind({ host_ip, protocol, port }), ({ close }) => Effect.sync(close))
      if (bound.descriptor !== undefined) descriptors.push(bound.descriptor)
    }
  }
  return descriptors
})

/** The same mappings with free ports of the host where there was none. */
export const withHostPorts = Effect.fnUntraced(function* (
  mappings: ReadonlyArray<PortMapping>,
): Effect.fn.Return<ReadonlyArray<PortMapping>, NetworkOptionInvalid, Scope.Scope> {
  const found: Array<PortMapping> = []
  for (const mapping of mappings) {
    if (mapping.host_port !== 0) {
      found.push(mapping)
      continue
    }
    const { host_ip, protocol } = mapping
    // bound until all are found, so that each is another one
    const bound = yield* Effect.acquireRelease(bind({ host_ip, protocol, port: 0 }), ({ close }) =>
      Effect.sync(close),
    ).pipe(
      Effect.mapError(
        () => new NetworkOptionInvalid({ problem: "noFreePort", value: `${mapping.container_port}/${protocol}` }),
      ),
    )
    found.push({ ...mapping, host_port: bound.port })
  }
  return found
}, Effect.scoped)

const bind = (wanted: Wanted): Effect.Effect<Bound, PortInUse | PortUnavailable> => {
  switch (wanted.protocol) {
    case "tcp":
      return bindTcp(wanted)
    case "udp":
      return bindUdp(wanted)
    case "sctp":
      // Node has no such sockets; the packet filter forwards the port all the same
      return Effect.succeed({ port: wanted.port, descriptor: undefined, close: () => undefined })
  }
}

/** Every IPv4 address, as Podman has it. */
const hostOf = ({ host_ip }: Wanted) => (host_ip === "" ? "0.0.0.0" : host_ip)

const bindTcp = (wanted: Wanted): Effect.Effect<Bound, PortInUse | PortUnavailable> =>
  Effect.callback((resume) => {
    const server = net.createServer()
    server.once("error", (cause) => resume(Effect.fail(failure(wanted, cause))))
    server.listen({ host: hostOf(wanted), port: wanted.port, exclusive: true }, () => {
      const { port } = server.address() as net.AddressInfo
      resume(Effect.succeed({ port, descriptor: descriptorOf(server), close: () => server.close() }))
    })
  })

const bindUdp = (wanted: Wanted): Effect.Effect<Bound, PortInUse | PortUnavailable> =>
  Effect.callback((resume) => {
    const socket = dgram.createSocket({ type: hostOf(wanted).includes(":") ? "udp6" : "udp4" })
    socket.once("error", (cause) => resume(Effect.fail(failure(wanted, cause))))
    socket.bind({ address: hostOf(wanted), port: wanted.port, exclusive: true }, () => {
      resume(
        Effect.succeed({ port: socket.address().port, descriptor: descriptorOf(socket), close: () => socket.close() }),
      )
    })
  })

/**
 * Node hands descriptors on to children by number, but tells none: of a server it is in the handle, of a datagram socket in
 * the handle of its state. One that is not found there is not kept by conmon, which only leaves the port less guarded.
 */
const descriptorOf = (socket: net.Server | dgram.Socket): number | undefined => {
  const holders: ReadonlyArray<unknown> =
    socket instanceof net.Server
      ? [(socket as { readonly _handle?: unknown })._handle]
      : Object.getOwnPropertySymbols(socket).map(
          (symbol) => (socket as unknown as Record<symbol, { readonly handle?: unknown } | undefined>)[symbol]?.handle,
        )
  return holders
    .map((handle) => (handle as { readonly fd?: number } | null | undefined)?.fd)
    .find((fd) => fd !== undefined && fd >= 0)
}

const failure = ({ host_ip: hostIp, port, protocol }: Wanted, cause: Error): PortInUse | PortUnavailable => {
  const { code = "" } = cause as NodeJS.ErrnoException
  return code === "EADDRINUSE"
    ? new PortInUse({ protocol, hostIp, port })
    : new PortUnavailable({ protocol, hostIp, port, code })
}
