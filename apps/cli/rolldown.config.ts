import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { defineConfig, type Plugin, type RolldownOptions } from "rolldown"

/** Chunks of earlier builds, and what was compiled of them, go when the new ones are there: a command may start at any moment. */
const removeOld: Plugin = {
  name: "remove-old",
  writeBundle: ({ dir: directory = "" }, chunks) => {
    rmSync(join(directory, ".compiled"), { recursive: true, force: true })
    for (const name of readdirSync(directory)) {
      if (/\.[cm]js$/.test(name) && !(name in chunks)) rmSync(join(directory, name))
    }
  },
}

/** Parts of Node that take milliseconds to load and that many commands never touch. */
const heavyParts = new Set([
  "child_process",
  "crypto",
  "dgram",
  "http",
  "https",
  "net",
  "readline",
  "stream",
  "stream/promises",
  "tls",
  "v8",
  "zlib",
])

/**
 * Node's parts as they are, without the copy that stands in for an ES module; the heavy ones loaded when something of
 * them is first used.
 */
const partsOfNode: Plugin = {
  name: "parts-of-node",
  renderChunk: (code) => ({
    code: code.replaceAll(
      /^let (\w+) = require\("(?:node:)?([\w/]+)"\);\n(?:\1 = ([\w.]+)\(\1(?:, 1)?\);\n)?/gm,
      (_, name: string, part: string, toModule = "__toESM") => {
        const load = `require("node:${part}")`
        const whole = code.includes(`${name}.default`)
        if (!heavyParts.has(part))
          return whole ? `let ${name} = ${toModule}(${load}, 1);\n` : `let ${name} = ${load};\n`
        return `const ${name} = new Proxy({}, { get: (_, key) => key === "default" ? ${load} : ${load}[key] });\n`
      },
    ),
  }),
}

/**
 * Effect's HTTP asks for Node's by a `require` of its own, which is not seen above; and it asks of every body whether it is a
 * form, at whose name Node loads its `fetch`: half of the time of a short command. No body here is one.
 */
const httpOfEffect: Plugin = {
  name: "http-of-effect",
  transform: (code, id) => {
    if (id.endsWith("/platform-node/dist/internal/http.js"))
      return `import * as http from "node:http"\nimport * as https from "node:https"\nexport { http, https }`
    if (id.endsWith("/effect/dist/http-api/HttpApiClient.js"))
      return code.replace("request.payload instanceof FormData", "false")
    return null
  },
}

/** The program is loaded by `parts` (`src/parts.ts`), and so are the parts that it loads. */
const loadedByParts: Plugin = {
  name: "loaded-by-parts",
  renderChunk: (code, { isEntry }) =>
    isEntry ? { code: code.replace(/\brequire\(("\.\/program-)/, "parts.load($1") } : null,
}

/** Text of one byte a character is read, hashed and kept at half the cost. */
const asciiOnly: Plugin = {
  name: "ascii-only",
  writeBundle: ({ dir: directory = "" }, chunks) => {
    for (const name of Object.keys(chunks)) {
      const path = join(directory, name)
      writeFileSync(path, readFileSync(path, "utf8").replaceAll(/[^\0-\x7f]/g, escaped))
    }
  },
}

const escaped = (unit: string) => String.raw`\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`

/**
 * What Node is started with. The young generation is as large from the beginning as V8 would make it in the course of a long
 * run: what a start allocates stays, and would be copied two times over while it grows.
 */
export const nodeFlags: ReadonlyArray<string> = ["--min-semi-space-size=16"]

/**
 * One small entry that answers `--version` by itself, and a chunk with everything else. CommonJS: Node's modules cost a
 * third less to load that way, since no ES module has to be made of each of its parts.
 */
export const command = {
  input: { main: join(import.meta.dirname, "src/main.ts") },
  platform: "node",
  logLevel: "silent",
  resolve: { conditionNames: ["cryopod-source", "import", "node", "default"] },
  plugins: [httpOfEffect, partsOfNode, loadedByParts, asciiOnly, removeOld],
  output: {
    dir: join(import.meta.dirname, "dist"),
    format: "cjs",
    entryFileNames: "[name].cjs",
    chunkFileNames: "[name]-[hash].cjs",
    // behind --, Node takes no option of ours for its own (--env-file)
    banner: ({ isEntry }) => (isEntry ? `#!/usr/bin/env -S node ${nodeFlags.join(" ")} --` : ""),
    minify: true,
    sourcemap: false,
    cleanDir: false,
  },
} satisfies RolldownOptions

export default defineConfig(command)
