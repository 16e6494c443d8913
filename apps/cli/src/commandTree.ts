/** Every command, in its place. */
import { build } from "./commands/build.ts"
import { checkpoint, restore } from "./commands/checkpoint.ts"
import { checkpointViews } from "./commands/checkpoints.ts"
import { containerDiff, diff, exec, exists, logs, port, top } from "./commands/containers.ts"
import { helpOf } from "./commands/help.ts"
import { history } from "./commands/history.ts"
import { images } from "./commands/imageList.ts"
import { imageExists, importImage, load, pull, push, rmi, save, tag, tree, untag } from "./commands/images.ts"
import { healthcheck } from "./commands/healthcheck.ts"
import { inspect, inspectContainer, inspectImage } from "./commands/inspect.ts"
import { cleanup, kill, pause, rename, restart, rm, start, stop, unpause, wait } from "./commands/lifecycle.ts"
import { network } from "./commands/networks.ts"
import { pod } from "./commands/pods.ts"
import { containerPrune, imagePrune, systemPrune } from "./commands/prune.ts"
import { ps } from "./commands/ps.ts"
import { create, run } from "./commands/run.ts"
import { service } from "./commands/service.ts"
import { check, info, versionCommand } from "./commands/system.ts"
import { volume } from "./commands/volumes.ts"
import { completion } from "./commands/completion.ts"
import { connection } from "./commands/connections.ts"
import { globalFlags, remoteFlags } from "./global.ts"
import type { CliCommand } from "./Handler.ts"
import { version } from "./version.ts"

const renamed = (command: CliCommand, name: string): CliCommand => ({ ...command, name })

const lifecycle = [create, exec, kill, logs, pause, port, ps, rename, restart, rm, run, start, stop, top, unpause, wait]

const container: CliCommand = {
  name: "container",
  short: "Manage containers",
  commands: [
    ...lifecycle,
    checkpoint,
    containerDiff,
    restore,
    cleanup,
    exists,
    inspectContainer,
    containerPrune,
    { ...renamed(ps, "list"), aliases: ["ls"] },
  ],
}

const image: CliCommand = {
  name: "image",
  short: "Manage images",
  commands: [
    build,
    history,
    imageExists,
    importImage,
    inspectImage,
    { ...renamed(images, "list"), aliases: ["ls"] },
    load,
    imagePrune,
    pull,
    push,
    renamed(rmi, "rm"),
    save,
    tag,
    tree,
    untag,
  ],
}

const system: CliCommand = {
  name: "system",
  short: "Manage cryopod",
  commands: [check, connection, info, systemPrune, service],
}

export const commandTree: CliCommand = {
  name: "cryopod",
  short: "Freeze running containers into images and thaw them anywhere",
  version: `cryopod version ${version}`,
  persistent: globalFlags,
  flags: remoteFlags,
  commands: [
    ...lifecycle,
    build,
    checkpointViews,
    completion,
    container,
    diff,
    helpOf(() => commandTree),
    history,
    healthcheck,
    image,
    images,
    importImage,
    info,
    inspect,
    load,
    network,
    pod,
    pull,
    push,
    rmi,
    save,
    system,
    tag,
    untag,
    versionCommand,
    volume,
  ],
}
