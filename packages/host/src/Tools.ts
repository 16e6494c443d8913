/**
 * The programs that cryopod drives and where this machine has them.
 *
 * A private prefix (made by `scripts/setup` where the distribution's CRIU cannot serve the kernel) comes before PATH,
 * for the engine itself and, through `environment`, for the runtimes that look for CRIU by themselves.
 */
import { accessSync, constants } from "node:fs"
import { delimiter, join } from "node:path"
import { ToolMissing } from "@cryopod/entities"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

/** Every program, with its purpose, as `system check` shows it. */
export const toolPurposes = {
  conmon: "watches containers and keeps their output",
  criu: "dumps and restores processes",
  crun: "runs containers (OCI runtime)",
  runc: "runs containers (OCI runtime)",
  catatonit: "holds what the containers of a pod share",
  skopeo: "moves images between transports",
  umoci: "unpacks root filesystems",
  buildah: "builds images from Containerfiles",
  tar: "packs and unpacks root filesystem changes",
  du: "measures volumes before a checkpoint",
  cp: "fills new volumes with what an image has in their place",
  mount: "mounts root filesystems",
  umount: "unmounts root filesystems",
  unshare: "makes namespaces",
  setpriv: "ends a build with whoever began it",
  ip: "configures network namespaces",
  nsenter: "looks into the namespaces that containers share",
  getfattr: "reads extended attributes",
  netavark: "connects containers to networks",
  "aardvark-dns": "lets containers on a network find each other by name",
  iptables: "locks the network of a container during a dump",
  nft: "shows and changes packet filters",
  socat: "feeds the input of attached containers",
  ps: "lists the processes of a container",
  script: "holds the terminal of a program whose output goes over a connection",
  stty: "sets the size of such a terminal",
} as const

export type ToolName = keyof typeof toolPurposes

export interface ToolsShape {
  /** Where programs are looked for, in order. */
  readonly searched: ReadonlyArray<string>
  readonly find: (name: ToolName) => string | undefined
  readonly path: (name: ToolName) => Effect.Effect<string, ToolMissing>
  /** The environment for programs that start others: PATH with the prefix first, and nothing of the caller's own. */
  readonly environment: Readonly<Record<string, string>>
}

export class Tools extends Context.Service<Tools, ToolsShape>()("@cryopod/host/Tools") {
  /** `prefix` holds `bin/`; `overrides` are paths given by hand, e.g. `--conmon`. */
  static readonly layer = (settings: {
    readonly prefix: string
    readonly path: string
    readonly overrides?: Partial<Record<ToolName, string>>
  }) => Layer.sync(Tools, () => make(settings))
}

/** netavark and its kin are no commands of their own: Debian and Fedora keep them where Podman looks. */
const systemDirectories = [
  "/usr/local/sbin",
  "/usr/local/bin",
  "/usr/sbin",
  "/usr/bin",
  "/sbin",
  "/bin",
  "/usr/lib/podman",
  "/usr/libexec/podman",
]

const make = (settings: Parameters<typeof Tools.layer>[0]): ToolsShape => {
  const searched = [
    ...new Set([join(settings.prefix, "bin"), ...settings.path.split(delimiter).filter(Boolean), ...systemDirectories]),
  ]
  const known = new Map<ToolName, string | undefined>()
  const find = (name: ToolName) => {
    if (!known.has(name)) known.set(name, settings.overrides?.[name] ?? lookFor(name, searched))
    return known.get(name)
  }
  return {
    searched,
    find,
    path: (name) => {
      const found = find(name)
      return found === undefined
        ? Effect.fail(
            new ToolMissing({
              tool: name,
              searched,
              remedy: `it ${toolPurposes[name]}: run scripts/setup, or install it`,
            }),
          )
        : Effect.succeed(found)
    },
    environment: { PATH: searched.join(delimiter), LC_ALL: "C" },
  }
}

const lookFor = (name: string, directories: ReadonlyArray<string>) =>
  directories
    .map((directory) => join(directory, name))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK)
        return true
      } catch {
        return false
      }
    })
