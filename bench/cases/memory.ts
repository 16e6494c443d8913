/**
 * Containers that hold memory, frozen and thawed in turn by the bare runtime, by cryopod and by Podman. A round goes
 * through every size and every side once, so that whatever else the machine does meets all of them alike.
 */
import { rmSync } from "node:fs"
import { join } from "node:path"
import type { Options } from "../Options.ts"
import type { Ground } from "../Ground.ts"
import type { Results } from "../Results.ts"
import { settled } from "../run.ts"
import { Bare } from "../sides/Bare.ts"
import type { Cryopod } from "../sides/Cryopod.ts"
import type { Podman } from "../sides/Podman.ts"
import type { Registry } from "../sides/Registry.ts"
import { holding } from "../workload.ts"

export interface Sides {
  readonly cryopod: Cryopod
  readonly podman: Podman | undefined
  readonly registry: Registry | undefined
}

type Round = () => Promise<void>

export const memoryCases = async (options: Options, sides: Sides, ground: Ground, results: Results): Promise<void> => {
  for (const size of options.sizes) {
    const rounds: ReadonlyArray<Round> = [
      await bareRound(size, sides.cryopod, ground, results),
      await cryopodRound(size, sides, results),
      ...(sides.podman === undefined ? [] : [await podmanRound(size, sides.podman, sides.registry, results)]),
    ]
    for (let round = 0; round < options.rounds; round++) {
      for (const one of rounds) {
        await one()
        sides.registry?.forget()
      }
    }
    await sides.cryopod.ok("rm", "-f", "-t", "0", nameOf(size))
    if (sides.podman !== undefined) await sides.podman.timed(`podman rm -f -t 0 ${podmanName(size)}`)
  }
}

/** What a freeze writes once, and once more for an archive, and as much again. */
const ready = (size: number) => settled(3 * size)

const nameOf = (size: number) => `holds-${size}`
const podmanName = (size: number) => `${nameOf(size)}-${process.pid}`

const bareRound = async (size: number, cryopod: Cryopod, ground: Ground, results: Results): Promise<Round> => {
  await cryopod.start(nameOf(size), holding(size))
  const bare = await Bare.like(nameOf(size), cryopod, ground)
  return async () => {
    await ready(size)
    results.add({ what: "checkpoint", side: "bare", size }, await bare.checkpoint())
    results.note(`dumpBytes/${size}`, await bare.dumpBytes())
    await ready(size)
    results.add({ what: "restore", side: "bare", size }, await bare.restore())
  }
}

const cryopodRound = async (size: number, { cryopod, registry }: Sides, results: Results): Promise<Round> => {
  const name = nameOf(size)
  const image = `${registry?.address ?? "localhost"}/frozen:${size}`
  const key = (what: string) => ({ what, side: "cryopod", size }) as const
  const measured = async (what: string, ...args: ReadonlyArray<string>) => {
    await ready(size)
    results.add(key(what), await cryopod.ok(...args))
  }
  return async () => {
    const before = await cryopod.diskBytes()
    await ready(size)
    const frozen = await cryopod.ok("container", "checkpoint", "--print-stats", "--create-image", image, name)
    results.add(key("checkpoint"), frozen)
    results.add(key("frozen"), { seconds: runtimeSeconds(frozen.stdout, "checkpoint") })
    // what begins behind it is waited for by whoever asks for the image at once
    results.add(key("digest"), await cryopod.ok("image", "exists", image))
    results.note(`writtenBytes/${size}`, (await cryopod.diskBytes()) - before)
    await cryopod.ok("rm", name)
    await measured("restore", "container", "restore", image)
    if (registry !== undefined) {
      await measured("push zstd", "push", "--tls-verify=false", "--compression-format", "zstd", image)
      await cryopod.ok("rmi", image)
      await measured("pull zstd", "pull", "--tls-verify=false", image)
    }
    await cryopod.ok("rmi", image)
    for (const compression of ["zstd", "none"]) {
      const file = join(cryopod.root, "../archive.tar")
      await measured(`export ${compression}`, "container", "checkpoint", "-c", compression, "-e", file, name)
      await cryopod.ok("rm", name)
      await measured(`import ${compression}`, "container", "restore", "-i", file)
      rmSync(file)
    }
  }
}

/** What the runtime took of it, in which the container stands still. */
const runtimeSeconds = (stdout: string, verb: "checkpoint" | "restore"): number => {
  const report = JSON.parse(stdout) as { readonly container_statistics: ReadonlyArray<Record<string, number>> }
  return (report.container_statistics[0]?.[`runtime_${verb}_duration`] ?? NaN) / 1e6
}

const podmanRound = async (
  size: number,
  podman: Podman,
  registry: Registry | undefined,
  results: Results,
): Promise<Round> => {
  const name = podmanName(size)
  await podman.start(name, holding(size))
  const image = `${registry?.address ?? "localhost"}/frozen-podman:${size}`
  const measured = async (what: string, command: string) => {
    await ready(size)
    results.add({ what, side: "podman", size }, { seconds: (await podman.timed(command)).seconds })
  }
  return async () => {
    await measured("checkpoint", `podman container checkpoint --create-image ${image} ${name}`)
    await podman.timed(`podman rm ${name}`)
    await measured("restore", `podman container restore ${image}`)
    if (registry !== undefined) {
      await measured("push zstd", `podman push --tls-verify=false --compression-format zstd ${image}`)
      await podman.timed(`podman rmi ${image}`)
      await measured("pull zstd", `podman pull --tls-verify=false ${image}`)
    }
    await podman.timed(`podman rmi ${image}`)
    for (const compression of ["zstd", "none"]) {
      const file = `/var/tmp/bench-${process.pid}.tar`
      await measured(`export ${compression}`, `podman container checkpoint -c ${compression} -e ${file} ${name}`)
      await podman.timed(`podman rm ${name}`)
      await measured(`import ${compression}`, `podman container restore -i ${file}`)
      await podman.timed(`rm ${file}`)
    }
  }
}
