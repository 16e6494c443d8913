/** The local cryopod engine. */
export * from "./LocalEngine.ts"
export { goArchitecture } from "./system/HostFacts.ts"
