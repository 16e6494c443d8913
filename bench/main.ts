/**
 * `npm run bench`: the bare runtime, cryopod and, where it can be had, Podman do the same things in turn, several rounds
 * of them; medians, spread and ratios of one run on one machine. Nothing here is a test: time is no fact about code.
 */
import { mkdirSync, writeFileSync } from "node:fs"
import * as os from "node:os"
import { dirname } from "node:path"
import { verdicts } from "./budgets.ts"
import { cloneCases } from "./cases/clones.ts"
import { fileCases } from "./cases/files.ts"
import { memoryCases } from "./cases/memory.ts"
import { scalingCases } from "./cases/scaling.ts"
import { startCases } from "./cases/start.ts"
import { transferCases } from "./cases/transfer.ts"
import { type Ground, onGround } from "./Ground.ts"
import { groups, type Options, readOptions } from "./Options.ts"
import { chart } from "./report/chart.ts"
import { curveLines, resultTable, verdictTable } from "./report/table.ts"
import { Results } from "./Results.ts"
import { Cryopod } from "./sides/Cryopod.ts"
import { Podman } from "./sides/Podman.ts"
import { startRegistry } from "./sides/Registry.ts"

const measureAll = async (options: Options, results: Results, ground: Ground): Promise<void> => {
  const wanted = options.only === undefined ? groups : [options.only]
  const cryopod = await Cryopod.make(ground)
  for (const group of wanted) {
    console.error(`bench: ${group}`)
    switch (group) {
      case "start":
        await startCases(options, cryopod, ground, results)
        break
      case "memory": {
        const podman = options.podman ? await Podman.make(cryopod, ground) : undefined
        const registry = await startRegistry(ground)
        await memoryCases(options, { cryopod, podman, registry }, ground, results)
        break
      }
      case "clones":
        await cloneCases(cryopod, ground, results)
        break
      case "files":
        await fileCases(options, cryopod, ground, results)
        break
      case "scaling":
        await scalingCases(options, cryopod, ground, results)
        break
      case "transfer":
        await transferCases(options, cryopod, ground, results)
        break
    }
  }
}

const write = (path: string, text: string) => {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text)
}

const machine = () => ({
  cpu: os.cpus()[0]?.model ?? "",
  cores: os.availableParallelism(),
  memoryBytes: os.totalmem(),
  kernel: os.release(),
  node: process.version,
  load: os.loadavg(),
})

const main = async (): Promise<number> => {
  const options = readOptions(process.argv.slice(2))
  if (typeof options === "string") {
    console.error(options)
    return 2
  }
  const results = new Results()
  const before = machine()
  await onGround(options.directory, (ground) => measureAll(options, results, ground))
  const judged = verdicts(results)
  console.log(resultTable(results))
  console.log(curveLines(results))
  console.log(verdictTable(judged))
  if (options.json !== "") {
    const document = {
      machine: before,
      rounds: options.rounds,
      rows: results.rows(),
      notes: results.notes,
      verdicts: judged,
    }
    write(options.json, `${JSON.stringify(document, undefined, 2)}\n`)
  }
  const drawn = chart(results)
  if (options.chart !== "" && drawn !== undefined) write(options.chart, drawn)
  return options.check && judged.some(({ kept }) => kept === false) ? 1 : 0
}

process.exitCode = await main()
