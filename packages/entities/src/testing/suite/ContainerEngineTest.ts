/**
 * One suite for every engine: what a caller may rely on, whichever engine there is.
 *
 *   ContainerEngineTest.suite("my engine", { layer, rootfs, directory, … })
 *
 * A set-up says what it is without and which cases it therefore leaves out; a case that is left out and not named, or
 * named and not left out, fails. It also names the cases that its engine answers otherwise: they are run, and must fail.
 */
import { describe, expect, layer as withLayer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Tar from "effect/encoding/Tar"
import * as Stream from "effect/Stream"
import { ContainerEngine } from "../../ContainerEngine.ts"
import { ImageEngine } from "../../ImageEngine.ts"
import { Bench, type BenchShape, unique } from "./Bench.ts"
import { type Case, type Engines, type Lack, type Lacks, leftOut, runsWith } from "./Case.ts"
import { builds } from "./cases/builds.ts"
import { checkpoints } from "./cases/checkpoints.ts"
import { creating } from "./cases/creating.ts"
import { images } from "./cases/images.ts"
import { lifecycle } from "./cases/lifecycle.ts"
import { looking } from "./cases/looking.ts"
import { mounts } from "./cases/mounts.ts"
import { networking } from "./cases/networking.ts"
import { restores } from "./cases/restores.ts"
import { streams } from "./cases/streams.ts"
import { system } from "./cases/system.ts"
import { views } from "./cases/views.ts"
import { volumes } from "./cases/volumes.ts"

export interface SetUp<E> extends Omit<BenchShape, "image"> {
  /** Fresh engines; made once for the suite. */
  readonly layer: Layer.Layer<Engines, E>
  /** Tar archive of the root filesystem that containers run on; see `rootfsFiles`. */
  readonly rootfs: () => Stream.Stream<Uint8Array>
  readonly lacks?: Lacks
  /** Cases that this engine answers otherwise, and why. */
  readonly differs?: ReadonlyArray<Lack>
}

/** Every case, by what it is about. */
export const groups: Readonly<Record<string, ReadonlyArray<Case>>> = {
  creating,
  lifecycle,
  looking,
  streams,
  checkpoints,
  restores,
  views,
  networking,
  images,
  builds,
  volumes,
  mounts,
  system,
}

export const suite = <E>(name: string, { differs = [], layer, lacks = {}, rootfs, ...bench }: SetUp<E>): void => {
  const cases = Object.values(groups).flat()
  const answeredOtherwise = differs.flatMap(({ cases: named }) => named)
  describe(`the suite on ${name}`, () => {
    withLayer(benchLayer(bench, rootfs).pipe(Layer.provideMerge(layer)), {
      timeout: "5 minutes",
      excludeTestServices: true,
    })((it) => {
      for (const [group, members] of Object.entries(groups)) {
        describe(`about ${group}`, () => {
          for (const { name: sentence, run } of members.filter((one) => runsWith(lacks, one))) {
            const register = answeredOtherwise.includes(sentence) ? it.effect.fails : it.effect
            register(sentence, () => run, caseTimeoutMillis)
          }
        })
      }
      it("leaves out the cases that it names, and no others", () => {
        const named = Object.fromEntries(Object.entries(lacks).map(([capability, { cases }]) => [capability, cases]))
        expect(leftOut(lacks, cases)).toEqual(named)
      })
      it("names cases once that it runs and that are answered otherwise", () => {
        const names = new Set(cases.filter((one) => runsWith(lacks, one)).map(({ name: sentence }) => sentence))
        expect(
          answeredOtherwise.filter(
            (sentence, at) => !names.has(sentence) || answeredOtherwise.indexOf(sentence) !== at,
          ),
        ).toEqual([])
      })
      it.effect("is left with no container, and with the one image it began with", () =>
        Effect.gen(function* () {
          const { image } = yield* Bench
          const every = { all: true, latest: false, filter: [], last: -1, external: false, size: false }
          expect((yield* (yield* ContainerEngine).list(every)).map(({ Names }) => Names)).toEqual([])
          const rows = yield* (yield* ImageEngine).list({ all: true, filter: [] }, [])
          expect(rows.flatMap(({ Names }) => Names)).toEqual([`localhost/${image}:latest`])
        }),
      )
    })
  })
}

const caseTimeoutMillis = 120_000

const benchLayer = (bench: Omit<BenchShape, "image">, rootfs: () => Stream.Stream<Uint8Array>) =>
  Layer.effect(
    Bench,
    Effect.gen(function* () {
      const engine = yield* ImageEngine
      const image = unique("conformance")
      yield* Effect.acquireRelease(
        engine.import({ _tag: "Stream", bytes: rootfs() }, { name: image, changes: [], message: "" }),
        () => Effect.orDie(engine.remove([image], { all: false, force: true, ignore: true })),
      )
      return { ...bench, image }
    }),
  )

/** Files that every root filesystem of the suite has beside its programs, by path. */
export const rootfsFiles: Readonly<Record<string, string>> = {
  "etc/passwd": "root:x:0:0:root:/root:/bin/sh\nguest:x:405:100:guest:/home/guest:/bin/sh\n",
  "etc/group": "root:x:0:\nusers:x:100:\n",
  "etc/motd": "welcome\n",
  "var/page": "of the image\n",
  "etc/issue": "conformance\n",
}

/** All that an engine in memory needs of it: no programs, since it runs none. */
export const rootfsWithoutPrograms = (): Stream.Stream<Uint8Array> =>
  Stream.fromIterable([
    ...["bin/", "etc/", "tmp/", "var/"].map((path) => Tar.directory(path)),
    ...Object.entries(rootfsFiles).map(([path, content]) => Tar.file(path, content)),
  ]).pipe(Stream.pipeThroughChannel(Tar.encode()), Stream.orDie)
