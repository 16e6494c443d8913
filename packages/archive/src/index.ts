/** Tar streams: deterministic packing, confined unpacking, digests, compression. */
export * from "./Behind.ts"
export * from "./BlockCompression.ts"
export * from "./Compression.ts"
export * from "./Decompression.ts"
export * from "./Digest.ts"
export * from "./TarPlan.ts"
export * from "./TarReader.ts"
export * from "./Unpack.ts"
