/** The `cryopod` command. Everything beyond the version is loaded when it is needed. */
import { version } from "./version.ts"

const argv = process.argv.slice(2)
if (argv.length === 1 && (argv[0] === "--version" || argv[0] === "-v")) {
  process.stdout.write(`cryopod version ${version}\n`)
} else {
  void import("./parts.ts").then(async ({ openParts }) => {
    const parts = openParts(import.meta.dirname, "main.cjs", argv)
    // the build has it loaded by `parts`
    const { main } = await import("./program.ts")
    const status = await main(argv, parts.called)
    parts.keep()
    process.exit(status)
  })
}
