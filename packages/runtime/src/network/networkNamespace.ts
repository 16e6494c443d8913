/** A network namespace that lives without a process, by a mount on a file. It has a loopback interface that is down, and nothing else. */
import * as fs from "node:fs"
import { dirname } from "node:path"
import type { StorageFailed, ToolFailed, ToolMissing } from "@cryopod/entities"
import { attemptSync, isMounted, runOk, Tools, unmountBelow } from "@cryopod/host"
import * as Effect from "effect/Effect"

/** Make one, in place of whatever lies there. */
export const makeNetworkNamespace = Effect.fnUntraced(function* (
  path: string,
): Effect.fn.Return<void, StorageFailed | ToolMissing | ToolFailed, Tools> {
  yield* removeNetworkNamespace(path)
  yield* attemptSync("make", path, () => {
    fs.mkdirSync(dirname(path), { recursive: true, mode: 0o755 })
    fs.writeFileSync(path, "")
  })
  const tools = yield* Tools
  yield* runOk(yield* tools.path("unshare"), [`--net=${path}`, "true"], { env: tools.environment })
})

/** A file that is no namespace is what a reboot, or a death in between, has left. */
export const isNetworkNamespace = (path: string): boolean => isMounted(path)

/** What is in it goes with the last process that is in it. */
export const removeNetworkNamespace = Effect.fnUntraced(function* (
  path: string,
): Effect.fn.Return<void, StorageFailed | ToolMissing, Tools> {
  if (!fs.existsSync(path)) return
  yield* unmountBelow(path)
  yield* attemptSync("remove", path, () => fs.rmSync(path, { force: true }))
})
