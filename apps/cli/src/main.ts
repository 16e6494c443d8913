#!/usr/bin/env -S node --
/**
 * The `cryopod` command. Everything beyond the version is loaded when it is needed.
 *
 * Compiled code is kept beside the program: whoever can write there could change the program itself, which is not true
 * of Node's own choice, a directory of a known name in /tmp. Where nobody can write, nothing is kept.
 */
import { enableCompileCache } from "node:module"
import { join } from "node:path"
import { version } from "./version.ts"

const argv = process.argv.slice(2)
if (argv.length === 1 && (argv[0] === "--version" || argv[0] === "-v")) {
  process.stdout.write(`cryopod version ${version}\n`)
} else {
  enableCompileCache(join(import.meta.dirname, ".compiled"))
  void import("./program.ts").then(({ main }) => main(argv)).then((status) => process.exit(status))
}
