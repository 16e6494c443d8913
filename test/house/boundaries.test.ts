/** Arrows between packages point one way only; when one does not, the offending chain of imports is printed. */
import * as fs from "node:fs"
import { join, relative } from "node:path"
import { describe, expect, it } from "vitest"

const project = join(import.meta.dirname, "../..")

/** Who may import whom; the picture in the README, as data. */
const arrows: Readonly<Record<string, ReadonlyArray<string>>> = {
  entities: [],
  criu: [],
  host: ["entities"],
  archive: ["entities"],
  checkpoint: ["archive", "criu", "entities", "host"],
  images: ["archive", "entities", "host"],
  runtime: ["criu", "entities", "host"],
  rest: ["entities"],
  service: ["entities", "rest"],
  promise: ["entities"],
  tunnel: ["archive", "entities", "host", "rest"],
  abi: ["archive", "checkpoint", "criu", "entities", "host", "images", "runtime"],
  cli: ["abi", "entities", "host", "service", "tunnel"],
}

interface Import {
  readonly file: string
  readonly line: number
  readonly from: string
  readonly to: string
}

const sourcesOf = (name: string) => join(project, name === "cli" ? "apps/cli/src" : `packages/${name}/src`)

const filesBelow = (directory: string): ReadonlyArray<string> =>
  fs
    .readdirSync(directory, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts"))
    .map((file) => join(directory, file))

const importsOf = (name: string): ReadonlyArray<Import> =>
  filesBelow(sourcesOf(name)).flatMap((file) => importsIn(fs.readFileSync(file, "utf8"), name, relative(project, file)))

const importsIn = (source: string, from: string, file: string): ReadonlyArray<Import> =>
  source.split("\n").flatMap((text, at) => {
    const to = /(?:from|import\()\s*"(?:@cryopod\/([a-z]+)|((?:\.\.\/)+(?:packages|apps)\/[^"]+))/.exec(text)
    return to === null ? [] : [{ file, line: at + 1, from, to: to[1] ?? to[2] ?? "" }]
  })

/** Imports that no arrow allows, each with the way by which the imported package leads back, if it does. */
const violations = (imports: ReadonlyArray<Import>): ReadonlyArray<string> =>
  imports
    .filter(({ from, to }) => !(arrows[from] ?? []).includes(to))
    .map(({ file, from, line, to }) => {
      const back = chain(to, from)
      return `${file}:${line}: ${from} → ${to}${back === undefined ? "" : `, but ${back.join(" → ")}`}`
    })

/** The shortest way along allowed arrows. */
const chain = (from: string, to: string): ReadonlyArray<string> | undefined => {
  const ways: Array<ReadonlyArray<string>> = [[from]]
  for (const way of ways) {
    const last = way.at(-1) ?? ""
    if (last === to) return way
    for (const next of arrows[last] ?? []) if (!way.includes(next)) ways.push([...way, next])
  }
  return undefined
}

describe("import boundaries", () => {
  it.each(Object.keys(arrows))("%s imports only what its arrows allow", (name) => {
    expect(violations(importsOf(name))).toEqual([])
  })

  it("knows every package", () => {
    const packages = fs.readdirSync(join(project, "packages")).filter((name) => fs.existsSync(sourcesOf(name)))
    expect(new Set([...packages, "cli"])).toEqual(new Set(Object.keys(arrows)))
  })

  it("agrees with the dependencies that the packages declare", () => {
    for (const [name, allowed] of Object.entries(arrows)) {
      const manifest = JSON.parse(fs.readFileSync(join(sourcesOf(name), "../package.json"), "utf8")) as {
        readonly dependencies?: object
      }
      const declared = Object.keys(manifest.dependencies ?? {}).flatMap((key) =>
        key.startsWith("@cryopod/") ? [key.slice(9)] : [],
      )
      expect({ [name]: declared.filter((dependency) => !allowed.includes(dependency)) }).toEqual({ [name]: [] })
    }
  })

  it("prints the chain when an arrow is turned round", () => {
    const turned = importsIn('import { Containers } from "@cryopod/runtime"', "host", "packages/host/src/Turned.ts")
    expect(violations(turned)).toEqual(["packages/host/src/Turned.ts:1: host → runtime, but runtime → host"])
  })
})

describe("the edge of the process", () => {
  it("prints nothing from below the command line", () => {
    const printing = Object.keys(arrows)
      .filter((name) => name !== "cli")
      .flatMap((name) => filesBelow(sourcesOf(name)))
      .filter((file) => /\bconsole\.\w+\(|process\.env\b/.test(fs.readFileSync(file, "utf8")))
      .map((file) => relative(project, file))
    expect(printing).toEqual([])
  })
})
