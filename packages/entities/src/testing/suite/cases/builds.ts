/** Images built as Containerfiles say. */
import { expect } from "@effect/vitest"
import * as Tar from "effect/encoding/Tar"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { type BuildContext, ImageEngine } from "../../../ImageEngine.ts"
import { optionValues } from "../../../Option.ts"
import { BuildFlags, PushFlags } from "../../../options/ImageOptions.ts"
import { Bench, discardImageLater, failureOf, inside, running, unique } from "../Bench.ts"
import type { Case } from "../Case.ts"

const defaults = optionValues(BuildFlags)

/** A context of these files. */
const contextOf = (files: Readonly<Record<string, string>>): BuildContext => ({
  _tag: "Stream",
  bytes: Stream.fromIterable(Object.entries(files).map(([name, content]) => Tar.file(name, content))).pipe(
    Stream.pipeThroughChannel(Tar.encode()),
    Stream.orDie,
  ),
})

/** Build it, and hear what is said. */
const built = Effect.fnUntraced(function* (files: Readonly<Record<string, string>>, flags: Partial<BuildFlags>) {
  const said: Array<string> = []
  const output = (_: string, content: Uint8Array) =>
    Effect.sync(() => void said.push(new TextDecoder().decode(content)))
  const work = (yield* ImageEngine).build(contextOf(files), { ...defaults, ...flags, output })
  yield* discardImageLater(...(flags.tag ?? []))
  return { work, said: () => said.join("") }
})

const stages = `ARG BASE=nothing
FROM $BASE AS first
ARG COLOUR=grey
RUN echo one \${COLOUR} && mkdir /made && echo $COLOUR > /made/colour && sleep 0.3
FROM \${BASE}
COPY --from=first /made/colour /colour
COPY note /note
ENV KIND=odd
LABEL tier=front
VOLUME /data
CMD ["count","7"]
`

export const builds: ReadonlyArray<Case> = [
  {
    name: "an image is built as a Containerfile says, from files of its context and of another stage",
    run: Effect.gen(function* () {
      const engine = yield* ImageEngine
      const { image } = yield* Bench
      const [name, other] = [unique("built"), unique("other")]
      const files = { "sub/Containerfile.stages": stages, note: "carried\n" }
      const { said, work } = yield* built(files, {
        file: ["sub/Containerfile.stages"],
        tag: [name, `quay.io/team/${other}:1`],
        label: ["team=blue"],
        buildArg: [`BASE=${image}`, "COLOUR=green"],
        noCache: true,
      })
      yield* discardImageLater(`quay.io/team/${other}:1`)
      const id = yield* work
      expect(id).toMatch(/^[0-9a-f]{64}$/)
      expect(said()).toMatch(/STEP 1\/.*one green\n/s)
      // what is said is not the engine's answer
      expect(said()).not.toContain(id)
      const shown = yield* engine.inspect(name)
      expect(shown).toMatchObject({
        Id: id,
        Labels: { tier: "front", team: "blue" },
        Config: { Cmd: ["count", "7"], Volumes: { "/data": {} } },
      })
      expect(shown.RepoTags.toSorted()).toEqual([`localhost/${name}:latest`, `quay.io/team/${other}:1`])
      expect(shown.Config["Env"]).toContain("KIND=odd")
      const container = yield* running({ image: name, command: [] })
      expect(yield* inside(container, "cat /colour /note")).toMatchObject({ stdout: "green\ncarried\n" })
      expect((yield* inside(container, "cat /made/colour")).code).toBe(1)
    }),
  },
  {
    name: "one stage is built alone, without a word, in one layer",
    run: Effect.gen(function* () {
      const engine = yield* ImageEngine
      const { image } = yield* Bench
      const name = unique("built")
      const { said, work } = yield* built(
        { Containerfile: stages },
        { tag: [name], buildArg: [`BASE=${image}`], target: "first", quiet: true, squash: true },
      )
      expect((yield* engine.inspect(yield* work)).RootFS.Layers.length).toBeLessThanOrEqual(2)
      expect(said()).not.toContain("STEP")
      const container = yield* running({ image: name, command: ["count"] })
      expect((yield* inside(container, "cat /made/colour")).stdout).toBe("grey\n")
    }),
  },
  {
    name: "what a build says of its context calls that what the caller does",
    run: Effect.gen(function* () {
      const { image } = yield* Bench
      const name = "/home/me/a site"
      const context = { ...contextOf({ Containerfile: `FROM ${image}\nCOPY missing /x` }), name }
      const output = () => Effect.void
      const { message } = yield* failureOf((yield* ImageEngine).build(context, { ...defaults, output }))
      expect(message).toMatch(/ checking on sources under "\/home\/me\/a site": .*missing.*no such file/)
      const nothing = { ...contextOf({ note: "" }), name }
      expect((yield* failureOf((yield* ImageEngine).build(nothing, { ...defaults, output }))).message).toContain(name)
    }),
  },
  {
    name: "a build that fails says where and with which status, and leaves no image",
    run: Effect.gen(function* () {
      const engine = yield* ImageEngine
      const { image } = yield* Bench
      const name = unique("never")
      const failing = (text: string, flags: Partial<BuildFlags> = {}) =>
        Effect.flatMap(built({ Containerfile: text }, { tag: [name], ...flags }), ({ work }) => failureOf(work))
      expect(yield* failing(`FROM ${image}\nRUN exit 3`)).toMatchObject({ _tag: "BuildFailed", exitStatus: 3 })
      expect(yield* failing(`FROM ${image}\nFLY away`)).toMatchObject({ _tag: "BuildFailed", exitStatus: 125 })
      expect(yield* failing(`FROM ${image}\nCOPY missing /x`)).toMatchObject({ _tag: "BuildFailed", exitStatus: 125 })
      expect(yield* failing(`FROM ${image}`, { target: "nowhere" })).toMatchObject({ _tag: "BuildFailed" })
      expect((yield* failing("FROM no/such", { pull: "never" })).message).toContain("no/such: image not known")
      expect((yield* failing(`FROM ${image}`, { pull: "perhaps" }))._tag).toBe("OptionInvalid")
      expect((yield* failing(`FROM ${image}`, { tag: ["No/Good"] }))._tag).toBe("ReferenceInvalid")
      expect(yield* failing(`FROM ${image}`, { file: ["missing"] })).toMatchObject({
        _tag: "ContainerfileMissing",
        message: expect.stringContaining("missing: no such file or directory") as string,
      })
      expect((yield* failing(""))._tag).toBe("ContainerfileMissing")
      const { work } = yield* built({ note: "" }, { tag: [name] })
      expect((yield* failureOf(work))._tag).toBe("ContainerfileMissing")
      const bytes = Stream.make(new TextEncoder().encode("this is no archive, whatever it may be called"))
      const odd = engine.build({ _tag: "Stream", bytes }, { ...defaults, tag: [name], output: () => Effect.void })
      expect((yield* failureOf(odd))._tag).toBe("ArchiveInvalid")
      expect(yield* engine.exists(name)).toBe(false)
    }),
  },
  {
    name: "a base image that is not here comes from its registry, as it may be reached",
    needs: ["registry"],
    run: Effect.gen(function* () {
      const engine = yield* ImageEngine
      const { image, registry } = yield* Bench
      const [name, remote] = [unique("built"), `${registry}/team/${unique("base")}:1`]
      yield* engine.push(image, remote, optionValues(PushFlags, { tlsVerify: false, quiet: true }))
      const from = (flags: Partial<BuildFlags>) =>
        built({ Containerfile: `FROM ${remote}\n` }, { tag: [name], ...flags })
      expect((yield* failureOf((yield* from({})).work))._tag).toBe("BuildFailed")
      // there are engines that keep it
      yield* discardImageLater(remote)
      yield* (yield* from({ tlsVerify: false, pull: "always" })).work
      expect(yield* engine.exists(name)).toBe(true)
    }),
  },
]
