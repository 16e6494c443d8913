/**
 * Whoever ends a container and takes it down has done what conmon asks for when one has ended. A second program for that,
 * started while the first is at it, would find nothing to do, and takes a processor from it for as long as it takes to start.
 */
import * as fs from "node:fs"
import { Layout } from "@cryopod/host"
import { type ContainerRecord, processStart } from "@cryopod/runtime"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"

/**
 * Work that ends a container and takes it down. What conmon starts then waits for it, and does nothing once it has
 * succeeded; if it fails, or its process is killed, the end is taken care of as any other (`Conmon.ts`). The caller holds
 * the lock.
 */
export const attendEnd = <A, E, R>(
  record: ContainerRecord,
  work: Effect.Effect<A, E, R>,
): Effect.Effect<A, E, R | Layout> =>
  leavesMore(record)
    ? work
    : Effect.acquireUseRelease(
        Effect.map(Layout, (layout) => {
          const { attended } = layout.container(record.id)
          const words = `${process.pid} ${processStart(process.pid) ?? ""}\n`
          whereItCanBe(() => fs.writeFileSync(attended, words, { mode: 0o600 }))
          return attended
        }),
        () => work,
        (attended, exit) =>
          Effect.sync(() => {
            if (Exit.isSuccess(exit)) fs.rmSync(attended, { force: true })
            else whereItCanBe(() => fs.truncateSync(attended))
          }),
      )

/** Its pod may have to follow it, or it is to be removed: that is asked for by conmon. */
const leavesMore = ({ config }: ContainerRecord): boolean => config.pod !== undefined || config.autoRemove

/** Where nothing can be told, two take care of it, one after the other: the directory of what does not run is gone. */
const whereItCanBe = (tell: () => void): void => {
  try {
    tell()
  } catch {
    // nobody hears of it
  }
}
