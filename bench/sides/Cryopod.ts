/** cryopod as a person runs it: the built program, state of its own. */
import * as fs from "node:fs"
import { execFileSync } from "node:child_process"
import { join } from "node:path"
import { nodeFlags } from "../../apps/cli/rolldown.config.ts"
import type { Ground } from "../Ground.ts"
import { eventually, type Ran, run, runOk } from "../run.ts"

const project = join(import.meta.dirname, "../..")
export const node = join(project, "node_modules/.bin/node")
/** As the first line of the program has it started. */
const program = [node, ...nodeFlags, "--", join(project, "apps/cli/dist/main.cjs")] as const
export const base = "base"

export class Cryopod {
  readonly root: string
  readonly runroot: string
  /** The archive of the base image, for other sides. */
  readonly baseArchive: string

  private constructor(directory: string) {
    this.root = join(directory, "root")
    this.runroot = join(directory, "run")
    this.baseArchive = join(directory, "base.tar")
  }

  static async make(ground: Ground): Promise<Cryopod> {
    const side = new Cryopod(ground.directory)
    ground.later(() => run(side.words("rm", "--all", "--force", "--time", "0")))
    const rootfs = ground.path("base")
    for (const name of ["bin", "etc", "tmp", "var"]) fs.mkdirSync(join(rootfs, name), { recursive: true })
    fs.copyFileSync("/bin/busybox", join(rootfs, "bin/busybox"))
    for (const applet of execFileSync("/bin/busybox", ["--list"], { encoding: "utf8" }).trim().split("\n")) {
      if (applet !== "busybox") fs.symlinkSync("busybox", join(rootfs, "bin", applet))
    }
    await runOk(["tar", "-C", rootfs, "-cf", side.baseArchive, "."])
    await side.ok("import", side.baseArchive, base)
    return side
  }

  /** Words that run the program with this state. */
  words(...args: ReadonlyArray<string>): readonly [string, ...ReadonlyArray<string>] {
    return [...program, "--root", this.root, "--runroot", this.runroot, "--runtime", "crun", ...args]
  }

  /** Words that ask the program for its version, and nothing else. */
  version(): readonly [string, ...ReadonlyArray<string>] {
    return [...program, "--version"]
  }

  ok(...args: ReadonlyArray<string>): Promise<Ran> {
    return runOk(this.words(...args))
  }

  /** A container that has said `ready`. */
  async start(name: string, command: ReadonlyArray<string>): Promise<void> {
    await this.ok("run", "-d", "--network", "none", "--name", name, base, ...command)
    await eventually(`${name} to be ready`, async () => (await this.ok("logs", name)).stdout.includes("ready"), 120)
  }

  /**
   * Bytes that are on disk below a directory of the state, files with several names counted once. What conmon calls when a
   * container ends may still be writing: a file that goes meanwhile is no reason to give up.
   */
  async diskBytes(...parts: ReadonlyArray<string>): Promise<number> {
    return Number((await run(["du", "-s", "-B1", join(this.root, ...parts)])).stdout.split("\t")[0])
  }
}
