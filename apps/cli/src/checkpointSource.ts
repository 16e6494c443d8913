/** What a word of a command line means as a checkpoint. */
import * as fs from "node:fs"
import type { CheckpointSource } from "@cryopod/entities"

/** A file, when there is one of this name or it cannot be anything else; a container or an image otherwise. */
export const sourceOf = (word: string): CheckpointSource => {
  if (word === "-") return { _tag: "Archive", archive: { _tag: "File", path: "/dev/stdin" } }
  return /^\.{0,2}\//.test(word) || fs.existsSync(word)
    ? { _tag: "Archive", archive: { _tag: "File", path: word } }
    : { _tag: "Named", ref: word }
}
