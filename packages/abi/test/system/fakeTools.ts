/** Programs that say what they are told to, each call counted, in a directory of their own. */
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Layout, makeLayout, type ToolName, Tools, type ToolsShape } from "@cryopod/host"
import { ToolMissing } from "@cryopod/entities"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Probes } from "../../src/system/Probes.ts"

export interface FakeHost extends Disposable {
  readonly directory: string
  readonly probesFile: string
  /** A program whose script sees its arguments; `lines` are those it prints for any. */
  readonly install: (name: ToolName, script: string) => void
  readonly remove: (name: ToolName) => void
  /** How often a program was started. */
  readonly calls: (name: ToolName) => number
  /** Services of a new process on this host. */
  readonly services: (kernelRelease?: string) => Layer.Layer<Tools | Layout | Probes>
}

export const says = (...lines: ReadonlyArray<string>): string => lines.map((line) => `echo '${line}'`).join("\n")

export const fakeHost = (): FakeHost => {
  const directory = mkdtempSync(join(tmpdir(), "cryopod-system-"))
  const bin = join(directory, "bin")
  mkdirSync(bin)
  const layout = makeLayout(join(directory, "root"), join(directory, "run"))
  const log = (name: ToolName) => join(directory, `${name}.calls`)
  return {
    directory,
    probesFile: join(layout.runroot, "probes.json"),
    install: (name, script) => {
      writeFileSync(join(bin, name), `#!/bin/sh\necho "$*" >> '${log(name)}'\n${script}\n`)
      chmodSync(join(bin, name), 0o755)
    },
    remove: (name) => rmSync(join(bin, name), { force: true }),
    calls: (name) => (existsSync(log(name)) ? readFileSync(log(name), "utf8").trimEnd().split("\n").length : 0),
    services: (kernelRelease = "6.18.44") => {
      const base = Layer.mergeAll(Layer.succeed(Tools, onlyIn(bin)), Layer.succeed(Layout, layout))
      return Layer.provideMerge(Probes.layerOn(kernelRelease), base)
    },
    [Symbol.dispose]: () => rmSync(directory, { recursive: true, force: true }),
  }
}

/** Tools that look nowhere else, so that those of the machine do not show. */
const onlyIn = (bin: string): ToolsShape => {
  const find = (name: ToolName) => (existsSync(join(bin, name)) ? join(bin, name) : undefined)
  return {
    searched: [bin],
    find,
    path: (name) => {
      const path = find(name)
      return path === undefined
        ? Effect.fail(new ToolMissing({ tool: name, searched: [bin], remedy: "install it" }))
        : Effect.succeed(path)
    },
    environment: { PATH: `${bin}:/usr/bin:/bin` },
  }
}
