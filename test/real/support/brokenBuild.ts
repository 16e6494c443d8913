/**
 * The program with one of its protections taken out, or with a crash put in: what a test must turn red on, and where a
 * process can die. The text that is replaced must be there, so that a change of the code is noticed here.
 */
import { mkdtempSync, rmSync } from "node:fs"
import { join } from "node:path"
import { rolldown } from "rolldown"
import { afterAll } from "vitest"
import { command } from "../../../apps/cli/rolldown.config.ts"
import { project } from "./Host.ts"

export interface Change {
  /** Path of a source file, relative to the project. */
  readonly file: string
  readonly find: string
  readonly replace: string
}

export const dieHere = `process.kill(process.pid, "SIGKILL");\n`

const made: Array<string> = []
// hooks run backwards: by then no host is left whose containers end with one of them
afterAll(() => {
  for (const directory of made) rmSync(directory, { recursive: true, force: true })
})

export const brokenBuild = async (...changes: ReadonlyArray<Change>): Promise<string> => {
  const applied = new Set<Change>()
  const bundle = await rolldown({
    ...command,
    plugins: [
      ...command.plugins,
      {
        name: "broken",
        transform: (code: string, id: string) => {
          let broken = code
          for (const change of changes) {
            if (id !== join(project, change.file)) continue
            if (!broken.includes(change.find)) throw new Error(`${change.file} no longer has: ${change.find}`)
            broken = broken.replace(change.find, () => change.replace)
            applied.add(change)
          }
          return broken === code ? undefined : { code: broken }
        },
      },
    ],
  })
  const directory = mkdtempSync("/var/tmp/cryopod-broken.")
  made.push(directory)
  await bundle.write({ ...command.output, dir: directory })
  await bundle.close()
  if (applied.size !== changes.length) throw new Error("a file to break was not part of the program")
  return join(directory, "main.cjs")
}
