/** Time and memory against size: nothing may grow faster than what it is given. */
import type { Ground } from "../Ground.ts"
import type { Options } from "../Options.ts"
import type { Results } from "../Results.ts"
import { base, type Cryopod } from "../sides/Cryopod.ts"
import { holding } from "../workload.ts"
import { growingChanges, measure } from "./files.ts"

const memory = [16, 64, 256, 1024]
const containers = [10, 100, 300]

export const scalingCases = async (
  options: Options,
  cryopod: Cryopod,
  ground: Ground,
  results: Results,
): Promise<void> => {
  for (const size of memory) {
    await cryopod.start("grown", holding(size))
    for (let round = 0; round < options.rounds; round++) {
      const frozen = await cryopod.ok("container", "checkpoint", "--create-image", "localhost/grown:1", "grown")
      results.add({ what: "checkpoint by memory", side: "cryopod", size }, frozen)
      await cryopod.ok("image", "exists", "localhost/grown:1")
      await cryopod.ok("rm", "grown")
      const thawed = await cryopod.ok("container", "restore", "localhost/grown:1")
      results.add({ what: "restore by memory", side: "cryopod", size }, thawed)
    }
    await cryopod.ok("rm", "-f", "-t", "0", "grown")
  }
  for (const change of growingChanges) await measure({ ...change, what: "by files" }, cryopod, ground, results)
  let made = 0
  for (const size of containers) {
    for (; made < size; made++) await cryopod.ok("create", "--name", `one-${made}`, base, "sh")
    for (let round = 0; round < options.rounds; round++)
      results.add({ what: "ps by containers", side: "cryopod", size }, await cryopod.ok("ps", "--all"))
  }
  await cryopod.ok("rm", "--all")
}

/** The curves that an exponent is fitted to, and the least size at which the fixed part no longer hides the slope. */
export const curves: ReadonlyArray<{ readonly what: string; readonly unit: string }> = [
  { what: "checkpoint by memory", unit: "MiB" },
  { what: "restore by memory", unit: "MiB" },
  { what: "export by files", unit: "files" },
  { what: "import by files", unit: "files" },
  { what: "ps by containers", unit: "containers" },
]
