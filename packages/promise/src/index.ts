/** Any engine for programs that do not use Effect: promises, async iterables, AbortSignal. */
export * from "./Engine.ts"
export * from "./bytes.ts"
export * from "./streams.ts"
