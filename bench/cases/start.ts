/** How long it takes until a command has answered, beside a Node program that does nothing. */
import { writeFileSync } from "node:fs"
import type { Ground } from "../Ground.ts"
import type { Options } from "../Options.ts"
import type { Results } from "../Results.ts"
import { runOk, settled } from "../run.ts"
import { base, type Cryopod, node } from "../sides/Cryopod.ts"

const containers = 50
/** One command is short: a round has several. */
const turns = 5

export const startCases = async (
  options: Options,
  cryopod: Cryopod,
  ground: Ground,
  results: Results,
): Promise<void> => {
  const empty = ground.path("empty.mjs")
  writeFileSync(empty, "")
  for (let at = 0; at < containers; at++) await cryopod.ok("create", "--name", `idle-${at}`, base, "sh")
  for (let turn = 0; turn < options.rounds * turns; turn++) {
    await settled(0)
    results.add({ what: "empty program", side: "node", size: 0 }, await runOk([node, empty]))
    results.add({ what: "--version", side: "cryopod", size: 0 }, await runOk(cryopod.version()))
    results.add({ what: "ps", side: "cryopod", size: containers }, await cryopod.ok("ps", "--all"))
  }
  await cryopod.ok("rm", ...Array.from({ length: containers }, (_, at) => `idle-${at}`))
}
