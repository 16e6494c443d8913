/** A root filesystem that has changed a lot, beside GNU tar doing the same to the same files. */
import { join } from "node:path"
import type { Ground } from "../Ground.ts"
import type { Options } from "../Options.ts"
import type { Results } from "../Results.ts"
import { runOk } from "../run.ts"
import type { Cryopod } from "../sides/Cryopod.ts"

/** What a container does to its files before it is frozen. `size` is their number, or MiB of a single one. */
interface Change {
  readonly what: string
  readonly size: number
  readonly script: string
}

const manyFiles = (count: number): Change => ({
  what: "small files",
  size: count,
  script: `d=0; while [ $d -lt ${count / 100} ]; do mkdir -p /data/$d; f=0; while [ $f -lt 100 ]; do echo $d/$f > /data/$d/$f; f=$((f+1)); done; d=$((d+1)); done`,
})

const oneFile = (mebibytes: number): Change => ({
  what: "one file",
  size: mebibytes,
  script: `mkdir /data; dd if=/dev/urandom of=/data/big bs=1M count=${mebibytes} 2>/dev/null`,
})

export const fileCases = async (
  options: Options,
  cryopod: Cryopod,
  ground: Ground,
  results: Results,
): Promise<void> => {
  for (const change of [manyFiles(100_000), oneFile(4096)]) {
    for (let round = 0; round < Math.min(options.rounds, 3); round++) await measure(change, cryopod, ground, results)
  }
}

export const measure = async (
  { script, size, what }: Change,
  cryopod: Cryopod,
  ground: Ground,
  results: Results,
): Promise<void> => {
  await cryopod.start("changed", ["sh", "-c", `${script}; echo ready; while :; do sleep 1; done`])
  const [id = ""] = (await cryopod.ok("ps", "--quiet", "--no-trunc", "--filter", "name=changed")).stdout.split("\n")
  const upper = join(cryopod.root, "containers", id, "upper")
  const [archive, target] = [ground.path("changed.tar"), ground.path("changed")]
  await runOk(["sync"])
  const tar = (words: ReadonlyArray<string>) =>
    runOk(["tar", "--numeric-owner", "--xattrs", "--xattrs-include=*", ...words])
  results.add({ what: `export ${what}`, side: "tar", size }, await tar(["-C", upper, "-cf", archive, "."]))
  await runOk(["sync"])
  const frozen = await cryopod.ok("container", "checkpoint", "--create-image", "localhost/changed:1", "changed")
  results.add({ what: `export ${what}`, side: "cryopod", size }, frozen)
  const digested = await cryopod.ok("image", "exists", "localhost/changed:1")
  results.add({ what: `digest ${what}`, side: "cryopod", size }, digested)
  await cryopod.ok("rm", "changed")
  await runOk(["mkdir", target])
  await runOk(["sync"])
  results.add({ what: `import ${what}`, side: "tar", size }, await tar(["-C", target, "-xpf", archive]))
  await runOk(["rm", "-r", target, archive])
  await runOk(["sync"])
  results.add(
    { what: `import ${what}`, side: "cryopod", size },
    await cryopod.ok("container", "restore", "localhost/changed:1"),
  )
  await cryopod.ok("rm", "-f", "-t", "0", "changed")
  await cryopod.ok("rmi", "localhost/changed:1")
}

/** Changes of growing size, for the curves. */
export const growingChanges: ReadonlyArray<Change> = [100, 1000, 10_000, 100_000].map(manyFiles)
