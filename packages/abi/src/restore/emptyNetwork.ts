/**
 * A container without a network, under runc.
 *
 * runc has CRIU dump network namespaces without what is in them (runc `checkpoint.go`, setEmptyNsMask): a restore by Podman
 * leaves even loopback down, and connections in it cannot be restored. So the engine makes the namespace, loopback up, and has
 * CRIU find it as the one from outside that runc asks for. A checkpoint that leaves says nothing of that: it thaws in a namespace
 * that the runtime makes, too.
 */
import * as fs from "node:fs"
import { join } from "node:path"
import { imageKinds, Protobuf, readImage } from "@cryopod/criu"
import { attemptSync } from "@cryopod/host"
import { type ContainerConfig, hasInterfaces, hasPlacedNetwork } from "@cryopod/runtime"
import { fileSource } from "./rewriteImages.ts"

export const hasEmptyNetwork = (config: ContainerConfig): boolean => hasPlacedNetwork(config) && !hasInterfaces(config)

const isNetwork = (name: string) => name.startsWith("netns-") && name.endsWith(".img")

/** runc's word for a network namespace from outside (runc `criu_linux.go`, criuNsToKey). */
const outside = "extRootNetNS"

/** CRIU's image files of the network namespace (CRIU `images/netdev.proto`, netns_entry). */
export const presentNetwork = (directory: string) =>
  attemptSync("write into", directory, () => {
    const ids = fs.openSync(join(directory, "ids-1.img"), "r")
    try {
      const [entry] = readImage(fileSource(ids), "ids")
      const path = join(directory, `netns-${entry?.net_ns_id ?? 0}.img`)
      if (fs.existsSync(path)) return
      const message = Protobuf.encode({ ext_key: outside } as never, imageKinds.netns.entry as never)
      const head = Buffer.alloc(12)
      head.writeUInt32LE(0x54564319, 0)
      head.writeUInt32LE(imageKinds.netns.magic, 4)
      head.writeUInt32LE(message.length, 8)
      fs.writeFileSync(path, Buffer.concat([head, message]), { mode: 0o600 })
    } finally {
      fs.closeSync(ids)
    }
  })

/** The dump is as that of a namespace which the runtime made itself. */
export const forgetNetwork = (directory: string) =>
  attemptSync("look at", directory, () => {
    for (const name of fs.readdirSync(directory).filter(isNetwork)) fs.rmSync(join(directory, name))
  })
