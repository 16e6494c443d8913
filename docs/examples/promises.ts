/**
 * The same without Effect: promises, and a signal that gives up after a minute.
 *
 *   node --conditions=cryopod-source docs/examples/promises.ts URL CONTAINER FILE
 */
import { createWriteStream } from "node:fs"
import { once } from "node:events"
import { defaultCheckpoint, Selection } from "@cryopod/entities"
import { bytesTo, openEngine, streamsOf } from "@cryopod/promise"
import { tunnelEngine } from "@cryopod/tunnel"

const [url = "", container = "", file = ""] = process.argv.slice(2)

// localEngine of @cryopod/abi is opened in the same way
await using engine = await openEngine(tunnelEngine({ url }))
const { containers } = engine.until(AbortSignal.timeout(60_000))

const archive = createWriteStream(file, { mode: 0o600 })
const [item] = await containers.checkpoint(Selection.names(container), {
  ...defaultCheckpoint,
  leaveRunning: true,
  target: {
    _tag: "Archive",
    destination: bytesTo(async (block) => {
      if (!archive.write(new Uint8Array(block))) await once(archive, "drain")
    }),
    compression: "zstd",
    ignoreRootfs: false,
    ignoreVolumes: false,
  },
})
archive.end()
if (item?.result._tag === "Success") console.log(container, `→ ${file}`)
else console.log(container, item?.result.failure.message)

const code = await containers.exec(
  container,
  {
    command: ["echo", "still", "here"],
    env: [],
    interactive: false,
    tty: false,
    user: "",
    workdir: "",
    privileged: false,
  },
  streamsOf({ output: (_, content) => void process.stdout.write(content) }),
)
console.log("exit code", code)

try {
  await engine.containers.inspect("nobody")
} catch (failure) {
  console.log((failure as { readonly _tag: string })._tag)
}
