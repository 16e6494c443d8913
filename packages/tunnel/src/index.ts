/** The engine of another host, over the libpod REST API. */
export {
  type ClientCertificates,
  type Destination,
  destinationOf,
  type DestinationOptions,
} from "./connect/Destination.ts"
export * from "./Terminal.ts"
export * from "./TunnelEngine.ts"
