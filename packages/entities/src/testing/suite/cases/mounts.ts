/** What containers mount: volumes, memory, directories of the host; and what of it a checkpoint takes along. */
import { mkdtempSync } from "node:fs"
import { join } from "node:path"
import { expect } from "@effect/vitest"
import * as Tar from "effect/encoding/Tar"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { ContainerEngine } from "../../../ContainerEngine.ts"
import { ImageEngine } from "../../../ImageEngine.ts"
import type { CreateOptions } from "../../../options/CreateOptions.ts"
import { defaultRestore, type RestoreOptions } from "../../../options/RestoreOptions.ts"
import { VolumeCreateFlags } from "../../../options/VolumeOptions.ts"
import { Selection } from "../../../Selection.ts"
import { VolumeEngine } from "../../../VolumeEngine.ts"
import {
  Bench,
  beyond,
  created,
  createOptions,
  discard,
  discardImageLater,
  discardLater,
  failureOf,
  inside,
  one,
  refusal,
  running,
  unique,
} from "../Bench.ts"
import type { Case } from "../Case.ts"
import { archive, checkpointing } from "./checkpoints.ts"
import { optionValues } from "../../../Option.ts"

const defaults = optionValues(VolumeCreateFlags)

/** Remove a volume at the end of the case, with whoever has it. */
const discardVolumeLater = (name: string) =>
  Effect.addFinalizer(() =>
    Effect.flatMap(VolumeEngine, (engine) =>
      engine.remove({ _tag: "Names", names: [name] }, { force: true, timeSeconds: 0 }),
    ).pipe(Effect.orDie),
  )

/** A name for a volume that goes with the case. */
const volumeName = Effect.gen(function* () {
  const name = unique("volume")
  yield* discardVolumeLater(name)
  return name
})

const hear = (ref: string, script: string) => Effect.map(inside(ref, script), ({ stdout }) => stdout)

const volumesOf = Effect.fnUntraced(function* (ref: string) {
  const { Mounts } = yield* (yield* ContainerEngine).inspect(ref)
  return Mounts.flatMap(({ Name }) => (Name === undefined ? [] : [Name]))
})

/** The volume that is not the one of this name. */
const otherVolume = (ref: string, known: string) =>
  Effect.map(volumesOf(ref), (names) => names.find((name) => name !== known) ?? "")

const exists = (name: string) => Effect.flatMap(VolumeEngine, (engine) => engine.exists(name))

/** An image with a file in /etc that declares /etc to be a volume. */
const declaring = Effect.gen(function* () {
  const name = unique("declaring")
  yield* discardImageLater(name)
  const bytes = Stream.make(
    Tar.directory("etc/"),
    Tar.directory("tmp/"),
    Tar.file("etc/content", "of the image\n"),
  ).pipe(Stream.pipeThroughChannel(Tar.encode()), Stream.orDie)
  yield* (yield* ImageEngine).import({ _tag: "Stream", bytes }, { name, changes: ["VOLUME /etc"], message: "" })
  return name
})

const mountsOf = (options: Partial<CreateOptions>) =>
  Effect.gen(function* () {
    const engine = yield* ContainerEngine
    const { HostConfig, Mounts } = yield* engine.inspect(yield* created(options))
    return {
      tmpfs: Object.keys(HostConfig.Tmpfs),
      mounts: Mounts.map(({ Destination, Type }) => `${Type} ${Destination}`),
    }
  })

/** A container with a volume and a directory of the host, frozen into an archive, and gone with both. */
const frozen = Effect.fnUntraced(function* (ignoreVolumes: boolean) {
  const { directory } = yield* Bench
  const shared = mkdtempSync(join(directory, "shared-"))
  const volume = yield* volumeName
  yield* (yield* VolumeEngine).create({ ...defaults, name: volume, label: ["tier=front"] })
  const id = yield* running({ volume: [`${volume}:/etc`, "/anonymous", `${shared}:/shared`], tmpfs: ["/memory"] })
  yield* beyond(id, 1)
  yield* inside(id, "rm /etc/motd; echo kept > /etc/note; echo kept > /anonymous/note; echo kept > /memory/note")
  const path = join(directory, unique("archive"))
  const report = one(yield* checkpointing(id, { target: archive(path, { ignoreVolumes }) }))
  const anonymous = yield* otherVolume(id, volume)
  yield* discardVolumeLater(anonymous)
  yield* discard(id)
  yield* (yield* VolumeEngine).remove({ _tag: "Names", names: [volume, anonymous] }, { force: false, timeSeconds: 0 })
  yield* discardLater(id)
  return { id, path, volume, anonymous, shared, report }
})

const importing = (path: string, options: Partial<RestoreOptions> = {}) =>
  Effect.flatMap(ContainerEngine, (engine) =>
    engine.restore({ _tag: "Archive", archive: { _tag: "File", path } }, { ...defaultRestore, ...options }),
  )

export const mounts: ReadonlyArray<Case> = [
  {
    name: "a volume outlives its containers, and a new one begins with what the image has in its place",
    run: Effect.gen(function* () {
      const volume = yield* volumeName
      const first = yield* running({ volume: [`${volume}:/etc`] })
      expect(yield* hear(first, "cat /etc/motd")).toBe("welcome\n")
      yield* inside(first, "rm /etc/motd; echo kept > /etc/note")
      yield* discard(first)
      const second = yield* running({ volume: [`${volume}:/etc`] })
      expect(yield* inside(second, "cat /etc/note /etc/motd")).toMatchObject({ code: 1, stdout: "kept\n" })
      expect(yield* volumesOf(second)).toEqual([volume])
    }),
  },
  {
    name: "a mount that is read-only cannot be written to, and nocopy leaves a volume empty",
    run: Effect.gen(function* () {
      const volume = yield* volumeName
      const id = yield* running({ volume: [`${volume}:/var:ro,nocopy`] })
      const { code, stderr } = yield* inside(id, "test -e /var/page || echo x > /var/note")
      expect([code, stderr]).toEqual([1, expect.stringContaining("Read-only file system")])
    }),
  },
  {
    name: "volumes that nobody named go with the container when that is wished, and with --rm",
    run: Effect.gen(function* () {
      const engine = yield* ContainerEngine
      const name = yield* volumeName
      const options = { volume: ["/anonymous", `${name}:/named`] }
      const remove = (id: string, volumes: boolean) =>
        engine.remove(Selection.names(id), { force: true, ignore: false, timeSeconds: 0, volumes })
      const kept = yield* created(options)
      const left = yield* otherVolume(kept, name)
      yield* discardVolumeLater(left)
      one(yield* remove(kept, false))
      expect(yield* exists(left)).toBe(true)
      const gone = yield* created(options)
      const taken = yield* otherVolume(gone, name)
      one(yield* remove(gone, true))
      const removed = yield* created({ ...options, autoRemove: true })
      const along = yield* otherVolume(removed, name)
      one(yield* remove(removed, false))
      expect([yield* exists(taken), yield* exists(along), yield* exists(name)]).toEqual([false, false, true])
    }),
  },
  {
    name: "mounts in memory begin empty with every start",
    run: Effect.gen(function* () {
      const engine = yield* ContainerEngine
      const id = yield* running({ tmpfs: ["/memory"], mount: ["type=tmpfs,destination=/other"] })
      yield* inside(id, "echo kept > /memory/note; echo kept > /other/note")
      expect(yield* hear(id, "cat /memory/note /other/note")).toBe("kept\nkept\n")
      yield* engine.stop(Selection.names(id), { ignore: false, timeSeconds: 0 })
      one(yield* engine.start(Selection.names(id)))
      expect((yield* inside(id, "test -e /memory/note || test -e /other/note")).code).toBe(1)
    }),
  },
  {
    name: "a container mounts what another one does",
    run: Effect.gen(function* () {
      const volume = yield* volumeName
      const first = yield* running({ mount: [`type=volume,source=${volume},destination=/v`] })
      yield* inside(first, "echo shared > /v/note")
      const second = yield* running({ volumesFrom: [`${first}:ro`] })
      expect(yield* inside(second, "cat /v/note; echo x > /v/other")).toMatchObject({ code: 1, stdout: "shared\n" })
      const options = yield* createOptions({ volumesFrom: ["nobody-here"] })
      expect((yield* failureOf((yield* ContainerEngine).create(options)))._tag).toBe("VolumesOwnerMissing")
    }),
  },
  {
    name: "volumes that an image declares are anonymous, in memory, or nothing",
    run: Effect.gen(function* () {
      const image = yield* declaring
      const command = ["true"]
      expect(yield* mountsOf({ image, command, imageVolume: "tmpfs" })).toEqual({ tmpfs: ["/etc"], mounts: [] })
      expect(yield* mountsOf({ image, command, imageVolume: "ignore" })).toEqual({ tmpfs: [], mounts: [] })
      const id = yield* created({ image, command })
      const [name = ""] = yield* volumesOf(id)
      expect(name).toMatch(/^[0-9a-f]{64}$/)
      yield* discardVolumeLater(name)
    }),
  },
  {
    name: "a read-only container has memory for temporary files unless that is not wanted",
    run: Effect.gen(function* () {
      const id = yield* running({ readOnly: true })
      expect((yield* inside(id, "echo note > /tmp/note && cat /tmp/note")).stdout).toBe("note\n")
      const strict = yield* running({ readOnly: true, readOnlyTmpfs: false })
      expect((yield* inside(strict, "echo note > /tmp/note")).code).toBe(1)
    }),
  },
  {
    name: "mounts that cannot be are refused",
    run: Effect.gen(function* () {
      const engine = yield* ContainerEngine
      for (const [options, message] of [
        [{ volume: ["a:/b", "c:/b"] }, "/b: duplicate mount destination"],
        [{ volume: ["/nonexist:/a"] }, "statfs /nonexist: no such file or directory"],
        [{ mount: ["type=odd,destination=/a"] }, 'invalid filesystem type "odd"'],
      ] as const) {
        expect((yield* failureOf(engine.create(yield* createOptions(options)))).message).toBe(message)
      }
    }),
  },
  {
    name: "volumes leave with an archive and come back with it; directories of the host are told",
    needs: ["archives"],
    run: Effect.gen(function* () {
      const { id, path, report, shared, volume } = yield* frozen(false)
      expect(report.warnings).toEqual([
        `bind mount of ${shared} on /shared is not part of the checkpoint: its files stay here`,
      ])
      const { warnings } = one(yield* importing(path))
      expect(warnings.join("\n")).toContain(`not restored: bind mount of ${shared} on /shared`)
      expect(yield* hear(id, "cat /etc/note /anonymous/note /memory/note; test -e /etc/motd || echo gone")).toBe(
        "kept\nkept\nkept\ngone\n",
      )
      expect((yield* (yield* VolumeEngine).inspect(volume)).Labels).toEqual({ tier: "front" })
      expect(refusal(yield* importing(path, { name: unique("clone") })).message).toBe(
        `volume with name ${volume} already exists. Use --ignore-volumes to not restore content of volumes`,
      )
    }),
  },
  {
    name: "volumes that are left out are mounted as they are, or made as for a new container",
    needs: ["archives"],
    run: Effect.gen(function* () {
      const { id, path, volume } = yield* frozen(true)
      expect(refusal(yield* importing(path)).message).toContain(`volumes/`)
      expect([yield* exists(volume), yield* (yield* ContainerEngine).exists(id)]).toEqual([false, false])
      one(yield* importing(path, { ignoreVolumes: true }))
      expect(yield* hear(id, "cat /etc/motd; test -e /etc/note || echo none")).toBe("welcome\nnone\n")
      yield* inside(id, "echo mine > /etc/mine")
      yield* discard(id)
      one(yield* importing(path, { ignoreVolumes: true }))
      expect(yield* hear(id, "cat /etc/mine")).toBe("mine\n")
    }),
  },
  {
    name: "a restored container mounts another volume, or a directory, where the caller says so",
    needs: ["archives"],
    run: Effect.gen(function* () {
      const { id, path, shared, volume } = yield* frozen(false)
      one(yield* importing(path))
      const [name, other] = [unique("clone"), yield* volumeName]
      yield* discardLater(name)
      one(yield* importing(path, { name, volume: [`${other}:/etc`, `${shared}:/shared`] }))
      yield* inside(name, "echo other > /etc/note; echo x > /shared/note")
      expect(yield* hear(name, "cat /etc/note /anonymous/note /shared/note")).toBe("other\nkept\nx\n")
      expect(yield* hear(id, "cat /etc/note")).toBe("kept\n")
      const anonymous = (yield* volumesOf(name)).filter((one) => one !== other)
      for (const one of anonymous) yield* discardVolumeLater(one)
      expect((yield* volumesOf(id)).filter((one) => anonymous.includes(one))).toEqual([])
      const refused = unique("refused")
      for (const [text, message] of [
        [`${volume}:/nowhere`, "/nowhere: the checkpoint has no volume and no directory of a host mounted there"],
        ["/nonexist:/etc", "statfs /nonexist: no such file or directory"],
        [
          `${volume}:/etc:ro`,
          `${volume}:/etc:ro: incorrect volume format, should be host-dir:ctr-dir or volume:ctr-dir`,
        ],
      ] as const) {
        expect(refusal(yield* importing(path, { name: refused, volume: [text] })).message).toBe(message)
      }
      expect(yield* (yield* ContainerEngine).exists(refused)).toBe(false)
      expect(
        refusal(yield* (yield* ContainerEngine).restore(Selection.names(id), { ...defaultRestore, volume: ["a:/etc"] }))
          .message,
      ).toBe("--volume can only be used with image or --import")
    }),
  },
]
