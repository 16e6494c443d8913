/** Broken images for every decoder of CRIU's files until the time is up; ends with the first defect. */
import { writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { brokenImage, decoders, defectOf, randomNumbers } from "../packages/criu/test/fuzz.ts"

const seconds = Number(process.argv[2] ?? 600)
const until = performance.now() + seconds * 1000
const first = Number(process.argv[3] ?? Date.now() % 2 ** 31)
const names = Object.keys(decoders)

let count = 0
for (let seed = first; performance.now() < until; seed++) {
  for (const decoder of names) {
    const bytes = brokenImage(decoder, randomNumbers(seed))
    const defect = defectOf(decoder, bytes)
    count++
    if (defect === undefined) continue
    const path = join(tmpdir(), `cryopod-fuzz-${decoder}-${seed}`)
    writeFileSync(path, bytes)
    console.error(`${decoder} ${defect}: seed ${seed}, ${path}`)
    process.exit(1)
  }
}
console.log(`${count} images for ${names.length} decoders in ${seconds} s: no defect`)
