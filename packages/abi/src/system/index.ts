/** This host: its programs, its facts, its fitness. */
export * from "./HostFacts.ts"
export * from "./Probes.ts"
export * from "./SystemEngine.ts"
export { type Counts, defaultRuntime, uptimeText } from "./SystemInfo.ts"
