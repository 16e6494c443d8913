/** Checkpoint formats: members, annotations, libpod's documents, root filesystem changes. */
export * from "./CheckpointMember.ts"
export * from "./DirectoryTar.ts"
export * from "./LibpodConfig.ts"
export * from "./RootfsDiff.ts"
export * from "./RootfsReplay.ts"
export * from "./TarHeaders.ts"
export * from "./TarInspection.ts"
