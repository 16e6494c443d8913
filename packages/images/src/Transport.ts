/**
 * skopeo, which knows registries, credentials, certificates and every other tool's way to keep images.
 *
 * It copies every image; layers that are compressed on their way may be there before it comes (`registry/uploadAhead.ts`).
 *
 * It reads this host's registries.conf, policy.json and login files by itself and gets the caller's environment for
 * that. Credentials given by hand go to it in a file: a command line is public.
 */
import * as fs from "node:fs"
import { homedir } from "node:os"
import { join } from "node:path"
import { formatPlace, type Place, type ToolMissing, TransportFailed } from "@cryopod/entities"
import { attemptSync, run, Tools } from "@cryopod/host"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { copyMeasured } from "./CopyProgress.ts"
import { ImageStore, type StoreFailure } from "./ImageStore.ts"

/** How a registry is reached. */
export interface RegistryAccess {
  /** `false` allows plain HTTP and unknown certificates; otherwise registries.conf decides. */
  readonly tlsVerify: boolean
  /** Path of a login file; empty for the usual places. */
  readonly authfile: string
  /** `USER:PASSWORD`; empty for none. */
  readonly creds: string
}

export interface Copy {
  readonly operation: TransportFailed["operation"]
  /** What the caller named, for the failure. */
  readonly ref: string
  readonly from: Place
  readonly to: Place
  readonly access?: RegistryAccess
  /** Manifest and blobs stay byte for byte. */
  readonly preserveDigests: boolean
}

export type CopyFailure = TransportFailed | ToolMissing | StoreFailure

export interface TransportShape {
  /** Copy one image; of several platforms, this host's. Interrupting it ends skopeo. */
  readonly copy: (copy: Copy) => Effect.Effect<void, CopyFailure>
}

export class Transport extends Context.Service<Transport, TransportShape>()("@cryopod/images/Transport") {
  static readonly layer = Layer.effect(
    Transport,
    Effect.suspend(() => make()),
  )
}

const make = Effect.fnUntraced(function* () {
  const tools = yield* Tools
  const store = yield* ImageStore
  return Transport.of({
    copy: Effect.fn("Transport.copy")(
      function* (copy: Copy) {
        const area = yield* store.area
        const skopeo = yield* tools.path("skopeo")
        const authfile = yield* authfileOf(copy, area)
        const host = { temporary: area, authfile, policy: hasPolicy() }
        const words = [skopeo, ...copyArguments(copy, host)]
        const [program = skopeo, ...args] = mounts(copy)
          ? [yield* tools.path("unshare"), "--mount", "--propagation", "private", ...words]
          : words
        const child = { pid: 0 }
        const copying = run(program, args, {
          // it is ended by us, and says nothing of a Ctrl-C by itself
          ownSession: true,
          begun: (pid) => void (child.pid = pid),
        })
        const result = yield* copyMeasured(copy, copying, {
          pid: () => child.pid,
          manifest: run(skopeo, manifestArguments(copy, host), { ownSession: true }),
        })
        if (result.exitCode !== 0) {
          return yield* new TransportFailed({
            operation: copy.operation,
            ref: copy.ref,
            detail: lastWord(result.stderr),
          })
        }
      },
      (effect) => Effect.scoped(effect),
    ),
  })
})

/** skopeo's command line for the manifest of what is copied. */
export const manifestArguments = (
  { access, from }: Copy,
  { authfile, policy }: { readonly authfile: string; readonly policy: boolean },
): ReadonlyArray<string> => [
  ...(policy ? [] : ["--insecure-policy"]),
  "inspect",
  "--raw",
  ...(access?.tlsVerify === false ? ["--tls-verify=false"] : []),
  ...(authfile === "" ? [] : ["--authfile", authfile]),
  formatPlace(from),
]

/** A store of containers/storage mounts its own directory upon itself, and leaves it so. */
const mounts = ({ from, to }: Copy) =>
  [from, to].some((place) => place._tag === "Other" && place.text.startsWith("containers-storage:"))

/** skopeo's command line. */
export const copyArguments = (
  copy: Copy,
  host: { readonly temporary: string; readonly authfile: string; readonly policy: boolean },
): ReadonlyArray<string> => {
  const insecure = copy.access?.tlsVerify === false
  return [
    ...(host.policy ? [] : ["--insecure-policy"]),
    "--tmpdir",
    host.temporary,
    "copy",
    "--quiet",
    ...(copy.preserveDigests ? ["--preserve-digests"] : []),
    ...(insecure && copy.from._tag === "Registry" ? ["--src-tls-verify=false"] : []),
    ...(insecure && copy.to._tag === "Registry" ? ["--dest-tls-verify=false"] : []),
    ...(host.authfile === "" ? [] : ["--authfile", host.authfile]),
    ...(copy.to._tag === "Path" && copy.to.transport.startsWith("oci")
      ? ["--dest-oci-accept-uncompressed-layers"]
      : []),
    formatPlace(copy.from),
    formatPlace(copy.to),
  ]
}

/** containers-policy.json(5). */
const hasPolicy = () =>
  [join(homedir(), ".config/containers/policy.json"), "/etc/containers/policy.json"].some((path) => fs.existsSync(path))

/** containers-auth.json(5). */
const authfileOf = Effect.fnUntraced(function* (copy: Copy, area: string) {
  const { creds = "", authfile = "" } = copy.access ?? {}
  const remote = [copy.from, copy.to].find((place) => place._tag === "Registry")
  if (creds === "" || remote === undefined) return authfile
  const registry = remote.name.slice(0, remote.name.indexOf("/"))
  const path = join(area, "auth.json")
  const auths = { [registry]: { auth: Buffer.from(creds).toString("base64") } }
  yield* attemptSync("write", path, () => fs.writeFileSync(path, JSON.stringify({ auths }), { mode: 0o600 }))
  return path
})

/** What skopeo says at last, out of its `time="…" level=fatal msg="…"`. */
export const lastWord = (stderr: string): string => {
  const lines = stderr.split("\n").filter((line) => line.trim() !== "")
  const last = lines.findLast((line) => line.includes("level=fatal")) ?? lines.at(-1) ?? "skopeo ended without a word"
  const quoted = /msg="((?:[^"\\]|\\.)*)"/.exec(last)?.[1]
  return quoted === undefined ? last.trim() : unquoted(quoted)
}

const unquoted = (text: string): string =>
  text.replaceAll(/\\(.)/g, (_, character: string) => ({ n: " ", t: " ", r: "" })[character] ?? character)
