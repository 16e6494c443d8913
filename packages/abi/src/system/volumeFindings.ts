/** What `system check --deep` finds of volumes: records held against directories, mounts and the containers that use them. */
import * as fs from "node:fs"
import { join } from "node:path"
import type { HostFailure, StateFinding } from "@cryopod/entities"
import { isMounted, Layout } from "@cryopod/host"
import { type ContainerRecord, hasOwnFilesystem, isActive, Volumes } from "@cryopod/runtime"
import * as Effect from "effect/Effect"
import { volumesOf } from "../volume/containerVolumes.ts"

/** Volumes of containers that something is being done to are left alone. */
export const volumeFindings = Effect.fnUntraced(function* (
  containers: ReadonlyArray<ContainerRecord>,
): Effect.fn.Return<ReadonlyArray<StateFinding>, HostFailure, Layout | Volumes> {
  const layout = yield* Layout
  const records = yield* (yield* Volumes).list
  const known = new Set(records.map(({ config }) => config.name))
  const finding = (name: string, problem: string, remedy: string): StateFinding => ({
    kind: "volume",
    name,
    problem,
    remedy,
  })
  const broken = records.flatMap(({ config }) => {
    const { data } = layout.volume(config.name)
    if (!fs.existsSync(data)) {
      return [finding(config.name, `${data} is missing`, `remove the volume: cryopod volume rm ${config.name}`)]
    }
    const users = containers.filter((record) => volumesOf(record).includes(config.name))
    const idle = users.every(({ state }) => state.operation === undefined && !isActive(state))
    return hasOwnFilesystem(config) && idle && isMounted(data)
      ? [finding(config.name, `${data} is mounted and no container runs with it`, `unmount it: umount ${data}`)]
      : []
  })
  const stray = (fs.existsSync(layout.volumes) ? fs.readdirSync(layout.volumes) : [])
    .filter((name) => !known.has(name))
    .map((name) =>
      finding(name, `${join(layout.volumes, name)} belongs to no volume`, "cryopod volume prune removes it"),
    )
  const settled = containers.filter(({ state }) => state.operation === undefined)
  const missing = settled.flatMap((record) =>
    volumesOf(record)
      .filter((name) => !known.has(name))
      .map((name) =>
        finding(name, `${record.name} mounts it and it is not there`, `create it: cryopod volume create ${name}`),
      ),
  )
  return [...broken, ...stray, ...missing]
})
