/** The libpod REST service over whichever engine it is given. */
export * from "./http/LibpodRequests.ts"
export * from "./listen/Address.ts"
export * from "./listen/Limits.ts"
export * from "./listen/ListenFailures.ts"
export * from "./Service.ts"
