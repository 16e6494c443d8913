/**
 * Taking checkpoints, thawing them and looking into them: with CRIU's images, archives and policies a third of the engine, which
 * most commands never need. Whoever needs it loads it (`loadCheckpointing`).
 */
export { checkpoint } from "./checkpoint/checkpoint.ts"
export { planCheckpoint } from "./checkpoint/planCheckpoint.ts"
export { checkCheckpoint } from "./compatibility/checkCheckpoint.ts"
export { diffCheckpoints } from "./inspection/diffCheckpoints.ts"
export { inspectCheckpoint } from "./inspection/inspectCheckpoint.ts"
export { listCheckpoints } from "./inspection/listCheckpoints.ts"
export { readCheckpointMemory, searchCheckpoint } from "./inspection/memory.ts"
export { restore } from "./restore/restore.ts"
