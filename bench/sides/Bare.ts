/**
 * The bare runtime: crun with the same CRIU, conmon and flags on a bundle prepared like cryopod's, and nothing else. What
 * cryopod adds to this is what it can be blamed for.
 */
import * as fs from "node:fs"
import { join } from "node:path"
import { Database, Layout, Tools } from "@cryopod/host"
import {
  cgroupRoot,
  cgroupsOf,
  cgroupsPath,
  Conmon,
  type ContainerRecord,
  Containers,
  containerTables,
  hasOwnCgroups,
  OciRuntime,
} from "@cryopod/runtime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import type { Ground } from "../Ground.ts"
import { eventually, type Sample, run, runOk } from "../run.ts"
import type { Cryopod } from "./Cryopod.ts"

const tools = Tools.layer({ prefix: "/opt/cryopod", path: process.env["PATH"] ?? "" })

const servicesAt = (root: string, runroot: string) =>
  Conmon.layer([]).pipe(
    Layer.provideMerge(OciRuntime.layer),
    Layer.provideMerge(Layer.mergeAll(tools, Layout.layer(root, runroot))),
  )

export class Bare {
  private readonly runtime: ManagedRuntime.ManagedRuntime<Conmon | OciRuntime | Tools | Layout, never>
  private readonly record: ContainerRecord
  private readonly root: string
  private pid = 0

  private constructor(root: string, runroot: string, record: ContainerRecord) {
    this.runtime = ManagedRuntime.make(servicesAt(root, runroot))
    this.root = root
    this.record = record
  }

  /** The bundle of a container of cryopod's under another id and in another place, running. */
  static async like(name: string, cryopod: Cryopod, ground: Ground): Promise<Bare> {
    const known = Containers.layer.pipe(
      Layer.provide(Database.layer(join(cryopod.root, "cryopod.db"), [containerTables])),
    )
    const theirs = await Effect.runPromise(
      Effect.provide(
        Containers.use((containers) => containers.find(name)),
        known,
      ),
    )
    const id = theirs.id.replace(/^.{8}/, "ba5eba5e")
    const bare = new Bare(ground.path("bare"), ground.path("bare-run"), {
      ...theirs,
      id,
      config: { ...theirs.config, id },
    })
    ground.later(() => bare.end())
    const from = join(cryopod.root, "containers", theirs.id)
    const to = bare.at()
    fs.mkdirSync(join(to, "userdata"), { recursive: true })
    for (const file of ["hosts", "hostname", "resolv.conf", ".containerenv"]) {
      if (fs.existsSync(join(from, "userdata", file)))
        fs.copyFileSync(join(from, "userdata", file), bare.at("userdata", file))
    }
    const config = fs.readFileSync(join(from, "userdata/config.json"), "utf8")
    fs.writeFileSync(bare.at("userdata/config.json"), config.replaceAll(from, to).replaceAll(theirs.id, id))
    fs.writeFileSync(bare.at("userdata/criu.conf"), "\n")
    for (const directory of ["upper", "work", "merged", "userdata/shm"]) fs.mkdirSync(bare.at(directory))
    fs.chmodSync(bare.at("upper"), 0o555)
    const lower = join(cryopod.root, "rootfs", theirs.config.imageId)
    const overlay = `lowerdir=${lower},upperdir=${bare.at("upper")},workdir=${bare.at("work")},redirect_dir=off,metacopy=off`
    await runOk(["mount", "-t", "overlay", "-o", overlay, "overlay", bare.at("merged")])
    await runOk(["mount", "-t", "tmpfs", "-o", "mode=1777,nosuid,noexec,nodev", "tmpfs", bare.at("userdata/shm")])
    await bare.launch()
    await bare.call("start", bare.record.id)
    const log = bare.at("userdata/ctr.log")
    const ready = async () => fs.existsSync(log) && fs.readFileSync(log, "utf8").includes("ready")
    await eventually("the bare container", ready, 120)
    return bare
  }

  /** Dump it; it has ended then, and the runtime has forgotten it. */
  async checkpoint(): Promise<Sample> {
    const { config, id } = this.record
    const images = this.at("userdata/checkpoint")
    fs.rmSync(images, { recursive: true, force: true })
    fs.mkdirSync(images)
    const cgroups = hasOwnCgroups(cgroupsOf(this.pid), cgroupsPath(id), cgroupRoot()) ? "manage" : "ignore"
    const began = performance.now()
    const result = await this.runtime.runPromise(
      OciRuntime.use((runtime) =>
        runtime.checkpoint(config.runtime, id, {
          imagesDirectory: images,
          workDirectory: this.at("userdata"),
          leaveRunning: false,
          tcpEstablished: false,
          fileLocks: false,
          cgroups,
          preDump: false,
        }),
      ),
    )
    const seconds = (performance.now() - began) / 1000
    if (result.exitCode !== 0) throw new Error(`crun checkpoint: ${result.stderr}`)
    await this.call("delete", "--force", id)
    return { seconds }
  }

  async restore(): Promise<Sample> {
    const began = performance.now()
    await this.launch({ restore: { imagesDirectory: this.at("userdata/checkpoint"), runtimeArguments: [] } })
    return { seconds: (performance.now() - began) / 1000 }
  }

  /** What the last dump wrote. */
  async dumpBytes(): Promise<number> {
    return Number((await runOk(["du", "-s", "-B1", this.at("userdata/checkpoint")])).stdout.split("\t")[0])
  }

  async end(): Promise<void> {
    await this.call("delete", "--force", this.record.id)
    await run(["umount", "-l", this.at("merged")])
    await run(["umount", "-l", this.at("userdata/shm")])
    fs.rmSync(this.at(), { recursive: true, force: true, maxRetries: 20 })
    await this.runtime.dispose()
  }

  private at(...parts: ReadonlyArray<string>): string {
    return join(this.root, "containers", this.record.id, ...parts)
  }

  private async launch(from?: Parameters<Conmon["Service"]["launch"]>[1]): Promise<void> {
    const started = await this.runtime.runPromise(Conmon.use((conmon) => conmon.launch(this.record, from)))
    this.pid = started.pid
  }

  private async call(...words: ReadonlyArray<string>): Promise<void> {
    const { globals, path } = await this.runtime.runPromise(
      OciRuntime.use((runtime) =>
        Effect.map(runtime.path("crun"), (found) => ({ path: found, globals: runtime.globalArguments("crun") })),
      ),
    )
    await run([path, ...globals, ...words])
  }
}
