#!/usr/bin/env node
/** The `cryopod` command. Everything beyond the version is loaded when it is needed. */
import { enableCompileCache } from "node:module"
import { version } from "./version.ts"

enableCompileCache()
const argv = process.argv.slice(2)
if (argv.length === 1 && (argv[0] === "--version" || argv[0] === "-v")) {
  process.stdout.write(`cryopod version ${version}\n`)
} else {
  const { main } = await import("./program.ts")
  process.exit(await main(argv))
}
