/** Engines for tests. The suite that every engine passes is in `@cryopod/entities/testing/suite`. */
export * as EngineMemory from "./EngineMemory.ts"
