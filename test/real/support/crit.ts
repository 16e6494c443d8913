/**
 * What CRIU's own reader says of the images of a dump, and ours in the same form, so that the two can be compared value
 * by value.
 */
import { execFileSync, spawnSync } from "node:child_process"
import { join } from "node:path"
import {
  bytesSource,
  type ImageKind,
  imageEntries,
  imageKindOf,
  imageKinds,
  Protobuf,
} from "../../../packages/criu/src/index.ts"
import { project } from "./Host.ts"

/** Decodes every image of a tar stream, with as little said of payloads as it can be. */
const reader = `
import io, json, sys, tarfile, pycriu
out = {}
with tarfile.open(fileobj=sys.stdin.buffer, mode="r|") as archive:
    for member in archive:
        if not member.isfile():
            continue
        content = io.BytesIO(archive.extractfile(member).read())
        try:
            out[member.name] = pycriu.images.load(content, False, True)
        except pycriu.images.images.MagicException:
            out[member.name] = None
json.dump(out, sys.stdout)
`

/** Numbers of any size. */
const exact = (_: string, value: unknown, context?: { readonly source?: string }): unknown =>
  typeof value === "number" ? BigInt(context?.source ?? value) : value

export type CritImages = Readonly<
  Record<string, { readonly magic: string; readonly entries: ReadonlyArray<object> } | null>
>

/** Every image of a directory but the pages, by file name; `null` for those that have no entries. */
export const critImages = (directory: string): CritImages => {
  const root = execFileSync(join(project, "scripts/crit"), { encoding: "utf8" }).trim()
  const archive = spawnSync("tar", ["-C", directory, "--exclude=pages-*", "--transform=s,^\\./,,", "-c", "."], {
    maxBuffer: 2 ** 30,
  })
  const ran = spawnSync("chroot", [root, "python3", "-c", reader], { input: archive.stdout, maxBuffer: 2 ** 30 })
  if (ran.status !== 0) throw new Error(ran.stderr.toString("utf8"))
  return JSON.parse(ran.stdout.toString("utf8"), exact) as CritImages
}

/** The same file as we read it. */
export const ourImage = (bytes: Uint8Array): CritImages[string] => {
  const source = bytesSource(bytes)
  const kind = imageKindOf(source)
  if (kind === undefined) return null
  const entries = Array.from(imageEntries(source, kind), ({ message, table }) =>
    critMessage(Protobuf.decode(message, table) as object, table),
  )
  return { magic: kind.toUpperCase(), entries }
}

const critMessage = (message: object, table: Protobuf.Message<Protobuf.Fields>): object =>
  Object.fromEntries([
    ...[...table.byNumber.values()].flatMap(([name, field]) => {
      const value = (message as Readonly<Record<string, unknown>>)[name]
      if (value === undefined || (Array.isArray(value) && value.length === 0)) return []
      return [[name, Array.isArray(value) ? value.map((one) => critValue(one, field)) : critValue(value, field)]]
    }),
    ...Protobuf.unknownFields(message).map(({ number }) => [`unknown field ${number}`, true]),
  ])

const critValue = (value: unknown, field: Protobuf.Field<unknown>): unknown => {
  const kind = typeof field.kind === "function" ? field.kind() : field.kind
  if (typeof kind === "object") return critMessage(value as object, kind)
  if (field.names !== undefined) return field.names[value as number] ?? `${String(value)} has no name`
  if (typeof value === "number") return BigInt(value)
  return value instanceof Uint8Array ? Buffer.from(value).toString("hex") : value
}

/** crit's values without the ways in which it writes bytes, and without what it says of payloads. */
export const plain = (image: CritImages[string]): CritImages[string] =>
  image === null
    ? null
    : { magic: image.magic, entries: image.entries.map((entry) => plainMessage(entry, critTable(image.magic, entry))) }

const critTable = (magic: string, entry: object): Protobuf.Message<Protobuf.Fields> => {
  const kind: {
    readonly entry: Protobuf.Message<Protobuf.Fields>
    readonly first?: Protobuf.Message<Protobuf.Fields>
  } = imageKinds[magic.toLowerCase() as ImageKind]
  return "pages_id" in entry && kind.first !== undefined ? kind.first : kind.entry
}

const plainMessage = (message: object, table: Protobuf.Message<Protobuf.Fields>): object =>
  Object.fromEntries(
    Object.entries(message)
      .filter(([name]) => name !== "extra")
      .map(([name, value]) => {
        const field = [...table.byNumber.values()].find(([known]) => known === name)?.[1]
        if (field === undefined) return [name, value]
        return [name, Array.isArray(value) ? value.map((one) => plainValue(one, field)) : plainValue(value, field)]
      }),
  )

const plainValue = (value: unknown, field: Protobuf.Field<unknown>): unknown => {
  const kind = typeof field.kind === "function" ? field.kind() : field.kind
  if (typeof kind === "object") return plainMessage(value as object, kind)
  if (kind !== "bytes") return value
  // names of Unix sockets are quoted-printable, everything else is base64
  const text = String(value)
  return /=[0-9A-F]{2}/.test(text) || !/^[A-Za-z0-9+/\n]*={0,2}\n$/.test(text)
    ? Buffer.from(
        text
          .replaceAll(/=\n/g, "")
          .replaceAll(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
        "latin1",
      ).toString("hex")
    : Buffer.from(text, "base64").toString("hex")
}
