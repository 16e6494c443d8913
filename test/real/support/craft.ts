/** CRIU's images as another host might have made them. */
import * as fs from "node:fs"
import {
  bytesSource,
  type EntryOf,
  type ImageKind,
  imageKinds,
  Protobuf,
  readOnly,
} from "../../../packages/criu/src/index.ts"

/** Write the only entry of an image anew. */
export const rewritten = <Kind extends ImageKind>(
  file: string,
  kind: Kind,
  change: (entry: EntryOf<Kind>) => EntryOf<Kind>,
): void => {
  const bytes = fs.readFileSync(file)
  const message = Protobuf.encode(change(readOnly(bytesSource(bytes), kind)) as never, imageKinds[kind].entry as never)
  const size = Buffer.alloc(4)
  size.writeUInt32LE(message.length)
  // behind the numbers that tell what it is: one for the inventory, two for everything else
  fs.writeFileSync(file, Buffer.concat([bytes.subarray(0, kind === "inventory" ? 4 : 8), size, message]))
}

/** A feature that no processor has: of a word that CRIU does not use yet. */
export const withoutEqual = (info: EntryOf<"cpuinfo">): EntryOf<"cpuinfo"> => {
  const [first] = info.x86_entry
  const capability = (first?.capability ?? []).map((word, at) => (at === 6 ? (word | 0x8000_0000) >>> 0 : word))
  return { ...info, x86_entry: [{ ...first, capability }] } as EntryOf<"cpuinfo">
}
