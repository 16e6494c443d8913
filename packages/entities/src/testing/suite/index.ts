/** The suite that every engine passes, on vitest. */
export * as ContainerEngineTest from "./ContainerEngineTest.ts"
export { type Capability, capabilities, type Case, type Engines, type Lack, type Lacks } from "./Case.ts"
