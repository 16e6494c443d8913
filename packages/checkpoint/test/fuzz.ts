/**
 * Archives from a stranger, by chance: a good one with bytes changed, cut, moved, doubled and compressed, unpacked and put
 * over a root filesystem. Each ends whole or in one of the failures that are meant for it, and nothing outside is touched.
 *
 *   scripts/fuzz [SECONDS [SEED]]     for as long as one likes; the tests do it for a moment
 */
import * as fs from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as zlib from "node:zlib"
import { decompressed, unpack } from "@cryopod/archive"
import { ArchiveInvalid, CheckpointInvalid, MemberUnsafe, StorageFailed } from "@cryopod/entities"
import { Tools } from "@cryopod/host"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { archive, extended, member, pieces } from "../../archive/test/tars.ts"
import { checkpointRules, replayDirectory, replayRootfs, volumeMember } from "../src/index.ts"

/** Numbers that come again with the same seed (Marsaglia's xorshift). */
const random = (seed: number) => {
  let state = seed | 1
  return (below: number): number => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) % below
  }
}
type Random = ReturnType<typeof random>

const inner = () =>
  archive(
    { name: "./", type: "directory", mode: 0o755 },
    { name: "./etc/", type: "directory", mode: 0o755 },
    Buffer.concat([
      extended("28 SCHILY.xattr.user.a=b cd\n"),
      member({ name: "./etc/file", content: "changed".repeat(90) }),
    ]),
    { name: "./etc/link", type: "symlink", linkName: "file" },
    { name: "./etc/hard", type: "link", linkName: "./etc/file" },
    { name: `./${"long/".repeat(30)}name`, content: "deep" },
  )

const good = () =>
  archive(
    { name: "config.dump", content: '{"id":"x"}' },
    { name: "spec.dump", content: "{}" },
    { name: "checkpoint/", type: "directory" },
    { name: "checkpoint/inventory.img", content: "VT*Y" },
    { name: "deleted.files", content: '["/etc/gone", "/etc/out/planted"]'.replace(', "/etc/out/planted"', "") },
    { name: "rootfs-diff.tar", content: inner() },
    { name: volumeMember("vol"), content: inner() },
  )

/** Places where a change is likely to matter: names, sizes, kinds, sums of headers. */
const interesting = [0, 1, 99, 100, 124, 135, 148, 155, 156, 157, 257, 263, 329, 345]
const words = ["../", "/", "..", "\0", "etc/out", "\u00ff", "7777777", "5", "2", "1", "x", "L", "S"]

const changed = (bytes: Buffer, chance: Random): Buffer => {
  const result = Buffer.from(bytes)
  const block = () => chance(bytes.length >> 9) * 512
  switch (chance(7)) {
    case 0:
      return result.subarray(0, chance(bytes.length))
    case 1: {
      const at = block()
      return Buffer.concat([result.subarray(0, at), result.subarray(block(), block() + 1024), result.subarray(at)])
    }
    case 2:
      return Buffer.concat([result.subarray(0, block()), result.subarray(block())])
    default: {
      const at = block()
      result.write(words[chance(words.length)] ?? "", at + (interesting[chance(interesting.length)] ?? 0), "latin1")
      // half of them look right to whoever checks sums
      if (chance(2) === 0) sum(result, at)
      return result
    }
  }
}

const sum = (bytes: Buffer, at: number): void => {
  bytes.write(" ".repeat(8), at + 148, "latin1")
  const total = bytes.subarray(at, at + 512).reduce((all, byte) => all + byte, 0)
  bytes.write(`${total.toString(8).padStart(6, "0")}\0 `, at + 148, "latin1")
}

const packed = (bytes: Buffer, chance: Random): Buffer => {
  const kind = chance(6)
  if (kind > 3) return bytes
  const done = kind % 2 === 0 ? zlib.gzipSync(bytes, { level: 1 }) : zlib.zstdCompressSync(bytes)
  if (kind > 1) done[chance(done.length)] = chance(256)
  return done
}

const expected = [ArchiveInvalid, CheckpointInvalid, MemberUnsafe, StorageFailed]

export interface FuzzResult {
  readonly runs: number
  readonly accepted: number
  /** What should not have happened, with the seed of its run. */
  readonly complaints: ReadonlyArray<string>
}

/** Until the time is over or enough has been done, whichever comes first. */
export const fuzzArchives = async (limits: {
  readonly seconds: number
  readonly runs: number
  readonly seed: number
}): Promise<FuzzResult> => {
  const tools = Tools.layer({ prefix: "/nonexistent", path: process.env["PATH"] ?? "" })
  const root = fs.mkdtempSync(join(tmpdir(), "cryopod-fuzz-"))
  const complaints: Array<string> = []
  let runs = 0
  let accepted = 0
  try {
    for (
      const until = performance.now() + limits.seconds * 1000;
      runs < limits.runs && performance.now() < until;
      runs++
    ) {
      const seed = limits.seed + runs
      const complaint = await one(join(root, String(seed)), random(seed * 2_654_435_761), tools)
      if (complaint === "accepted") accepted++
      else if (complaint !== undefined) complaints.push(`seed ${seed}: ${complaint}`)
    }
  } finally {
    fs.rmSync(root, { recursive: true, force: true })
  }
  return { runs, accepted, complaints }
}

const one = async (
  place: string,
  chance: Random,
  tools: ReturnType<typeof Tools.layer>,
): Promise<string | undefined> => {
  for (const name of ["members", "rootfs/etc", "volume", "outside"])
    fs.mkdirSync(join(place, name), { recursive: true })
  fs.writeFileSync(join(place, "outside/planted"), "untouched")
  fs.symlinkSync("../../outside", join(place, "rootfs/etc/out"))
  const bytes = packed(changed(good(), chance), chance)
  const members = join(place, "members")
  const checkpoint = { source: "fuzz.tar", members }
  const result = await Effect.runPromise(
    Effect.gen(function* () {
      yield* unpack(decompressed(pieces(bytes, 1 + chance(9000))), members, { archive: "fuzz.tar", ...checkpointRules })
      yield* replayRootfs(checkpoint, join(place, "rootfs"))
      if (fs.existsSync(join(members, volumeMember("vol"))))
        yield* replayDirectory({ ...checkpoint, member: volumeMember("vol") }, join(place, "volume"))
    }).pipe(Effect.result, Effect.provide(tools)),
  ).catch((defect: unknown) => Result.fail(defect))
  const touched =
    fs.readFileSync(join(place, "outside/planted"), "utf8") !== "untouched" ||
    fs.readdirSync(join(place, "outside")).length !== 1 ||
    fs.readdirSync(place).length !== 4
  fs.rmSync(place, { recursive: true, force: true })
  if (touched) return "something outside was touched"
  if (Result.isSuccess(result)) return "accepted"
  const failure: unknown = result.failure
  return expected.some((known) => failure instanceof known) ? undefined : `no failure of its own: ${String(failure)}`
}

if (process.argv[1] === import.meta.filename) {
  const [seconds = "60", seed = String(Date.now() % 1_000_000)] = process.argv.slice(2)
  const { accepted, complaints, runs } = await fuzzArchives({
    seconds: Number(seconds),
    runs: Infinity,
    seed: Number(seed),
  })
  process.stdout.write(
    `${runs} archives from seed ${seed}, ${accepted} of them whole\n${complaints.map((text) => `${text}\n`).join("")}`,
  )
  process.exitCode = complaints.length > 0 ? 1 : 0
}
