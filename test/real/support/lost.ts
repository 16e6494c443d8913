/** What to look at after something went wrong: complaints about what was lost or left behind; none when all is well. */
import * as fs from "node:fs"
import { expect } from "vitest"
import { eventually, type Host } from "./Host.ts"

export type Complaints = ReadonlyArray<string>

/** The container runs on, or does after a restore, and has counted without a gap. */
export const lost = async (host: Host, name: string): Promise<Complaints> => {
  const before = await host.run("inspect", "--format", "{{.State.Status}} {{.State.Checkpointed}}", name)
  if (before.status !== 0) return ["the container is gone"]
  const [status, checkpointed] = before.stdout.trim().split(" ")
  if (status !== "running") {
    if (checkpointed !== "true") return [`the container is ${status} and nobody says that it can be restored`]
    const restored = await host.run("container", "restore", name)
    if (restored.status !== 0) return [`the container is ${status} and cannot be restored: ${restored.stderr}`]
  }
  const stands = await standing(host, name)
  if (stands.length > 0) return stands
  const numbers = await host.numbers(name)
  return numbers.every((number, at) => number === (numbers[0] ?? 0) + at) ? [] : ["the container has lost its count"]
}

/** Whether a container that should run prints nothing: found without any command that might put it right. */
export const standing = async (host: Host, name: string): Promise<Complaints> => {
  const log = host.path("containers", await host.inspect(name, "{{.Id}}"), "userdata/ctr.log")
  const size = async () => Number((await host.shell(`stat -c %s ${log}`)).stdout)
  const before = await size()
  const prints = eventually(async () => ((await size()) > before ? true : undefined), "output", 3)
  return prints.then(
    () => [],
    () => ["the container stands still"],
  )
}

/** What an operation that fails must leave as it was. */
export interface Surroundings {
  readonly images: string
  readonly layers: ReadonlyArray<string>
  readonly mounts: number
}

export const surroundings = async (host: Host): Promise<Surroundings> => ({
  images: await host.ok("images", "--format", "{{.ID}} {{.Repository}}:{{.Tag}}"),
  layers: await namesBelow(host, "layers", 2),
  mounts: await mountsOf(host),
})

export const changed = (before: Surroundings, after: Surroundings): Complaints => {
  const complaints: Array<string> = []
  if (after.images !== before.images) complaints.push(`other images than before: ${after.images}`)
  if (after.layers.join() !== before.layers.join()) complaints.push("other layers than before")
  if (after.mounts !== before.mounts) complaints.push(`${after.mounts} mounts instead of ${before.mounts}`)
  return complaints
}

export const mountsOf = async (host: Host): Promise<number> =>
  Number((await host.shell(`grep -c ' ${host.directory}/' /proc/self/mountinfo`)).stdout)

/** Half-made things. */
export const leftBehind = async (host: Host): Promise<Complaints> =>
  (await namesBelow(host, "tmp", 1)).map((name) => `left behind: ${name}`)

/** What lies so deep below a directory of the store, as the host sees it: a disk of its own may be mounted there. */
const namesBelow = async (host: Host, directory: string, depth: number): Promise<ReadonlyArray<string>> => {
  const find = `find ${host.path(directory)} -mindepth ${depth} -maxdepth ${depth} -printf '%P\\n' | sort`
  return (await host.shell(`[ ! -e ${host.path(directory)} ] || ${find}`)).stdout
    .split("\n")
    .filter((name) => name !== "")
}

/** A command that must fail with status 125 and these words. */
export const refused = (
  { status, stderr }: { readonly status: number; readonly stderr: string },
  words: RegExp,
): Complaints => [
  ...(status === 125 ? [] : [`status ${status} instead of 125`]),
  ...(words.test(stderr) ? [] : [`it said: ${stderr}`]),
]

/** A checkpoint image whose processes are no longer described, for the time of some work. */
export const withoutProcesses = async <A>(directory: string, work: () => Promise<A>): Promise<A> => {
  const images = fs
    .readdirSync(directory, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith("checkpoint/pstree.img"))
    .map((path) => `${directory}/${path}`)
  expect(images).toHaveLength(1)
  for (const image of images) fs.renameSync(image, `${image}.away`)
  const done = await work()
  for (const image of images) if (fs.existsSync(`${image}.away`)) fs.renameSync(`${image}.away`, image)
  return done
}
