/** A root filesystem that has changed a lot, beside GNU tar doing the same to the same files. */
import { join } from "node:path"
import type { Ground } from "../Ground.ts"
import type { Options } from "../Options.ts"
import type { Results } from "../Results.ts"
import { runOk, settled } from "../run.ts"
import type { Cryopod } from "../sides/Cryopod.ts"

/** What a container does to its files before it is frozen. `size` is their number, or MiB of a single one. */
interface Change {
  readonly what: string
  readonly size: number
  readonly script: string
  /** How much that is, with room for the headers of an archive. */
  readonly mebibytes: number
  /** To be removed with the ground: giving back so many pieces of a disk slows down whatever is measured next. */
  readonly inPieces?: true
}

const manyFiles = (count: number): Change => ({
  what: "small files",
  size: count,
  inPieces: true,
  mebibytes: Math.ceil(count / 250),
  script: `d=0; while [ $d -lt ${count / 100} ]; do mkdir -p /data/$d; f=0; while [ $f -lt 100 ]; do echo $d/$f > /data/$d/$f; f=$((f+1)); done; d=$((d+1)); done`,
})

const oneFile = (mebibytes: number): Change => ({
  what: "one file",
  size: mebibytes,
  mebibytes,
  script: `mkdir /data; dd if=/dev/urandom of=/data/big bs=1M count=${mebibytes} 2>/dev/null`,
})

export const fileCases = async (
  options: Options,
  cryopod: Cryopod,
  ground: Ground,
  results: Results,
): Promise<void> => {
  for (const change of [oneFile(4096), manyFiles(100_000)]) {
    for (let round = 0; round < Math.min(options.rounds, 3); round++) await measure(change, cryopod, ground, results)
  }
}

let measured = 0

export const measure = async (
  { inPieces, mebibytes, script, size, what }: Change,
  cryopod: Cryopod,
  ground: Ground,
  results: Results,
): Promise<void> => {
  const name = `changed-${++measured}`
  const image = `localhost/${name}:1`
  await cryopod.start(name, ["sh", "-c", `${script}; echo ready; while :; do sleep 1; done`])
  const [id = ""] = (await cryopod.ok("ps", "--quiet", "--no-trunc", "--filter", `name=${name}`)).stdout.split("\n")
  const upper = join(cryopod.root, "containers", id, "upper")
  const [archive, target] = [ground.path(`${name}.tar`), ground.path(name)]
  await settled(mebibytes)
  const tar = (words: ReadonlyArray<string>) =>
    runOk(["tar", "--numeric-owner", "--xattrs", "--xattrs-include=*", ...words])
  results.add({ what: `export ${what}`, side: "tar", size }, await tar(["-C", upper, "-cf", archive, "."]))
  await settled(mebibytes)
  const frozen = await cryopod.ok("container", "checkpoint", "--create-image", image, name)
  results.add({ what: `export ${what}`, side: "cryopod", size }, frozen)
  results.add({ what: `digest ${what}`, side: "cryopod", size }, await cryopod.ok("image", "exists", image))
  if (inPieces !== true) await cryopod.ok("rm", name)
  await runOk(["mkdir", target])
  await settled(mebibytes)
  results.add({ what: `import ${what}`, side: "tar", size }, await tar(["-C", target, "-xpf", archive]))
  if (inPieces !== true) await runOk(["rm", "-r", target, archive])
  await settled(mebibytes)
  const thawed = await cryopod.ok(
    "container",
    "restore",
    ...(inPieces === true ? ["--name", `${name}-thawed`] : []),
    image,
  )
  results.add({ what: `import ${what}`, side: "cryopod", size }, thawed)
  if (inPieces === true) return void (await cryopod.ok("kill", `${name}-thawed`))
  await cryopod.ok("rm", "-f", "-t", "0", name)
  await cryopod.ok("rmi", image)
}

/** Changes of growing size, for the curves. */
export const growingChanges: ReadonlyArray<Change> = [100, 1000, 10_000, 100_000].map(manyFiles)
