/** One checkpoint image thawed many times under new names: the twentieth is as fast as the first. */
import type { Ground } from "../Ground.ts"
import type { Results } from "../Results.ts"
import { settled } from "../run.ts"
import { Bare } from "../sides/Bare.ts"
import type { Cryopod } from "../sides/Cryopod.ts"
import { holding } from "../workload.ts"

const clones = 20
const size = 16

export const cloneCases = async (cryopod: Cryopod, ground: Ground, results: Results): Promise<void> => {
  await cryopod.start("origin", holding(size))
  const bare = await Bare.like("origin", cryopod, ground)
  await cryopod.ok("container", "checkpoint", "--create-image", "localhost/origin:1", "origin")
  await cryopod.ok("rm", "origin")
  const names = Array.from({ length: clones }, (_, at) => `clone-${at}`)
  for (const name of names) {
    await bare.checkpoint()
    await settled(0)
    results.add({ what: "restore, a clone of 20", side: "bare", size }, await bare.restore())
    await settled(0)
    const thawed = await cryopod.ok("container", "restore", "--name", name, "localhost/origin:1")
    results.add({ what: "restore, a clone of 20", side: "cryopod", size }, thawed)
  }
  await cryopod.ok("rm", "-f", "-t", "0", ...names)
  await cryopod.ok("rmi", "localhost/origin:1")
}
