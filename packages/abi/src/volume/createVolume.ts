/**
 * Make a volume: its directory, then its record.
 *
 * The record is what makes it a volume. Whoever is killed before it is written leaves a directory that belongs to
 * nobody; it is swept, never adopted, when the name is wanted next.
 */
import * as fs from "node:fs"
import { join } from "node:path"
import {
  type DatabaseFailed,
  keyValues,
  type StorageFailed,
  type ToolMissing,
  type VolumeCreateOptions,
  VolumeExists,
  type VolumeFailure,
  VolumeNameInvalid,
} from "@cryopod/entities"
import { attemptSync, holdLock, Layout, makeDirectory, randomHex, syncDirectory, type Tools } from "@cryopod/host"
import { isVolumeName, type VolumeConfig, type VolumeRecord, Volumes } from "@cryopod/runtime"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import { driverOptions } from "./driverOptions.ts"
import { discardDirectory } from "./removeVolume.ts"

/** What decides about a new volume. */
export interface NewVolume {
  readonly name: string
  readonly driver: string
  readonly labels: Readonly<Record<string, string>>
  readonly options: Readonly<Record<string, string>>
  readonly anonymous: boolean
  /** Id of the container whose unfinished creation or restore makes it. */
  readonly madeFor?: string
  /** Its content is brought along: nothing of an image is to come on top. */
  readonly filled: boolean
}

type Services = Layout | Volumes | Tools

/** Names of volumes that nobody named are 64 hexadecimal digits, as libpod's. */
export const newVolumeName = (): string => randomHex(32)

export const createVolume = Effect.fn("VolumeEngine.create")(function* (
  options: VolumeCreateOptions,
): Effect.fn.Return<string, VolumeFailure, Services> {
  const name = options.name === "" ? newVolumeName() : options.name
  if (!isVolumeName(name)) return yield* new VolumeNameInvalid({ name, operation: "create" })
  const made = yield* Effect.result(
    makeVolume({
      name,
      driver: options.driver,
      labels: keyValues(options.label),
      options: keyValues(options.opt),
      anonymous: false,
      filled: false,
    }),
  )
  if (made._tag === "Failure" && !(options.ignore && made.failure instanceof VolumeExists)) {
    return yield* made.failure
  }
  return name
})

/** Make a volume that does not exist; its name has been checked. */
export const makeVolume = Effect.fn("Volume.make")(function* (
  wanted: NewVolume,
): Effect.fn.Return<VolumeRecord, VolumeFailure, Services> {
  const { anonymous, filled, labels, madeFor, name } = wanted
  const driver = yield* Effect.fromResult(driverOptions({ ...wanted, exists: fs.existsSync }))
  const config: VolumeConfig = {
    name,
    createdAt: DateTime.formatIso(yield* DateTime.now),
    driver: "local",
    labels,
    options: driver.options,
    anonymous,
  }
  const owned = driver.uid !== undefined || driver.gid !== undefined
  const state = {
    needsCopyUp: !filled,
    needsChown: !filled && !owned,
    ...(madeFor === undefined ? {} : { madeFor }),
  }
  const { lock } = (yield* Layout).volume(name)
  return yield* Effect.scoped(
    Effect.gen(function* () {
      yield* holdLock(lock)
      const volumes = yield* Volumes
      const exists = yield* volumes.get(name).pipe(
        Effect.as(true),
        Effect.catchTag("VolumeNotFound", () => Effect.succeed(false)),
      )
      if (exists) return yield* new VolumeExists({ name })
      yield* makeVolumeDirectory(name, { uid: driver.uid ?? 0, gid: driver.gid ?? 0 })
      const record = { config, state }
      yield* volumes.insert(record)
      return record
    }),
  )
})

const dataMode = 0o755

/** An empty directory under the name of a volume that has no record. The caller holds the volume's lock. */
const makeVolumeDirectory = Effect.fnUntraced(function* (
  name: string,
  { gid, uid }: { readonly uid: number; readonly gid: number },
): Effect.fn.Return<void, StorageFailed | ToolMissing | DatabaseFailed, Layout | Tools> {
  const layout = yield* Layout
  const paths = layout.volume(name)
  yield* discardDirectory(name)
  yield* makeDirectory(paths.directory)
  yield* attemptSync("make directory", paths.data, () => {
    fs.mkdirSync(paths.data)
    fs.chmodSync(paths.data, dataMode)
    fs.chownSync(paths.data, uid, gid)
  })
  yield* syncDirectory(paths.directory)
  yield* syncDirectory(join(paths.directory, ".."))
})
