/**
 * A guarantee and its proof: what must hold is tried with the program as it is, and again with the protection taken out of
 * it, where the same look must find what it is there to find.
 */
import * as fs from "node:fs"
import { expect, it } from "vitest"
import { brokenBuild, type Change, dieHere } from "./brokenBuild.ts"
import { Host, type HostOptions } from "./Host.ts"
import type { Complaints } from "./lost.ts"
import { copyProgram, counter, importBase } from "./workloads.ts"

export interface Guarantee {
  readonly title: string
  /** Words of what is complained about when the protection is taken out. */
  readonly complaint: string
  /** What is taken out of the program. */
  readonly protection: ReadonlyArray<Change>
  /** Bring the situation about with the program of a host, and look. */
  readonly happens: (host: Host, build: Build) => Promise<Complaints>
  /** The host it happens on. */
  readonly on?: HostOptions
  readonly disk?: "small"
}

/** The program of this run, protections and all or without one, with a further change. */
export type Build = (...changes: ReadonlyArray<Change>) => Promise<Host>

export const proven = (guarantees: ReadonlyArray<Guarantee>): void => {
  const titled = guarantees.map((guarantee) => [guarantee.title, guarantee] as const)
  it.each(titled)("%s", async (_, guarantee) => expect(await onHost(guarantee, [])).toEqual([]))
  it.each(titled)("%s: noticed when the protection is taken out", async (_, guarantee) =>
    expect(await onHost(guarantee, guarantee.protection)).toContainEqual(expect.stringContaining(guarantee.complaint)),
  )
}

const onHost = async ({ disk, happens, on }: Guarantee, protection: ReadonlyArray<Change>): Promise<Complaints> => {
  const host = await Host.make(on)
  try {
    if (disk === "small") {
      fs.mkdirSync(host.root)
      await host.shell(`mount -t tmpfs -o size=64m tmpfs ${host.root}`)
    }
    await importBase(host, (rootfs) => {
      copyProgram("/usr/bin/flock", rootfs)
      fs.writeFileSync(`${rootfs}/etc/motd`, "hello\n")
    })
    const build: Build = async (...changes) =>
      protection.length + changes.length === 0 ? host : host.with(await brokenBuild(...changes, ...protection))
    return await happens(await build(), build)
  } finally {
    await host.run("rm", "--all", "--force", "--time", "0")
    await host.dispose()
  }
}

export const abi = (file: string, find: string, replace: string): Change => ({
  file: `packages/abi/src/${file}`,
  find,
  replace,
})

/** The process is killed before a statement. */
export const dying = (file: string, find: string): Change =>
  abi(file, find, `yield* Effect.sync(() => { ${dieHere} });\n${find}`)

/** What is half made stays, and nobody puts it right. */
export const forgetfulRepair = abi("container/repair.ts", 'case "import":\n', 'case "import":\n      return record\n')

/** A container that counts, behind whatever words come before that. */
export const counting = async (host: Host, name: string, ...before: ReadonlyArray<string>): Promise<void> => {
  await host.ok("run", "-d", "--network", "none", "--name", name, "base", ...before, ...counter)
  await host.beyond(name, 1)
}
