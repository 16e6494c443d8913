/**
 * Where things lie on disk.
 *
 *   ROOT     cryopod.db                         state
 *            images/                            OCI image layout
 *            layers/sha256/<hex>/               unpacked checkpoint layers
 *            layers/pending/<token>/            those whose digest is still to be taken
 *            rootfs/<image id>/                 unpacked root filesystems
 *            containers/<id>/userdata/          bundle (names that Podman's scripts look for)
 *            containers/<id>/{upper,work,merged}
 *            volumes/<name>/_data               content of volumes
 *            tmp/                               half-made things; whatever is in it belongs to nobody after a crash
 *   RUNROOT  locks/ exits/ netns/ networks/ <id>/         gone at reboot
 */
import { join, resolve } from "node:path"
import * as Context from "effect/Context"
import * as Layer from "effect/Layer"

export interface ContainerPaths {
  readonly directory: string
  /** The bundle. */
  readonly userdata: string
  readonly config: string
  /** CRIU's configuration file for this container. */
  readonly criuConfig: string
  readonly checkpoint: string
  readonly preCheckpoint: string
  readonly dumpLog: string
  readonly restoreLog: string
  readonly log: string
  /** Results of health checks. */
  readonly health: string
  readonly shm: string
  readonly hosts: string
  readonly resolvConf: string
  /** Addresses that the container had when it was checkpointed. */
  readonly networkStatus: string
  /** Its network namespace, when it is on bridges; kept by a mount. */
  readonly networkNamespace: string
  readonly upper: string
  readonly work: string
  readonly merged: string
  /** Files of this boot only. */
  readonly run: string
  readonly pidFile: string
  readonly conmonPidFile: string
  /** Exec sessions, a directory each. */
  readonly sessions: string
  /** Length of the log when the present run began. */
  readonly logStart: string
  /** Who ends the container and takes it down by itself (`attendEnd`). */
  readonly attended: string
  readonly lock: string
  readonly exitFile: string
}

export interface VolumePaths {
  readonly directory: string
  /** The content; what containers see. */
  readonly data: string
  readonly lock: string
}

export interface LayoutShape {
  readonly root: string
  readonly runroot: string
  readonly database: string
  readonly images: string
  readonly layers: string
  readonly rootfs: string
  readonly temporary: string
  readonly containers: string
  readonly volumes: string
  readonly exits: string
  readonly locks: string
  /** netavark's own state, and that of the server for names. */
  readonly networks: string
  readonly container: (id: string) => ContainerPaths
  readonly volume: (name: string) => VolumePaths
  /** A pod has no files, but a lock. */
  readonly podLock: (id: string) => string
}

export const makeLayout = (root: string, runroot: string): LayoutShape => layoutOf(resolve(root), resolve(runroot))

/** Paths of containers are put together without `join`: a list of containers asks for hundreds. */
const layoutOf = (root: string, runroot: string): LayoutShape => ({
  root,
  runroot,
  database: join(root, "cryopod.db"),
  images: join(root, "images"),
  layers: join(root, "layers"),
  rootfs: join(root, "rootfs"),
  temporary: join(root, "tmp"),
  containers: join(root, "containers"),
  volumes: join(root, "volumes"),
  exits: join(runroot, "exits"),
  locks: join(runroot, "locks"),
  networks: join(runroot, "networks"),
  podLock: (id) => `${runroot}/locks/pod-${id}`,
  container: (id) => {
    const directory = `${root}/containers/${id}`
    const userdata = `${directory}/userdata`
    const run = `${runroot}/${id}`
    return {
      directory,
      userdata,
      config: `${userdata}/config.json`,
      criuConfig: `${userdata}/criu.conf`,
      checkpoint: `${userdata}/checkpoint`,
      preCheckpoint: `${userdata}/pre-checkpoint`,
      dumpLog: `${userdata}/dump.log`,
      restoreLog: `${userdata}/restore.log`,
      log: `${userdata}/ctr.log`,
      health: `${userdata}/healthcheck.log`,
      shm: `${userdata}/shm`,
      hosts: `${userdata}/hosts`,
      resolvConf: `${userdata}/resolv.conf`,
      networkStatus: `${userdata}/network.status`,
      networkNamespace: `${runroot}/netns/${id}`,
      upper: `${directory}/upper`,
      work: `${directory}/work`,
      merged: `${directory}/merged`,
      run,
      pidFile: `${run}/pidfile`,
      conmonPidFile: `${run}/conmon.pid`,
      sessions: `${run}/exec`,
      logStart: `${run}/log-start`,
      attended: `${run}/attended`,
      lock: `${runroot}/locks/${id}`,
      exitFile: `${runroot}/exits/${id}`,
    }
  },
  volume: (name) => {
    const directory = `${root}/volumes/${name}`
    return { directory, data: `${directory}/_data`, lock: `${runroot}/locks/volume-${name}` }
  },
})

export class Layout extends Context.Service<Layout, LayoutShape>()("@cryopod/host/Layout") {
  static readonly layer = (root: string, runroot: string) => Layer.sync(Layout, () => makeLayout(root, runroot))
}
