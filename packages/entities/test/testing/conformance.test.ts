/** The suite on the engine in memory, which can do everything; and that it leaves out no option of any operation. */
import * as fs from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, describe, expect, it } from "vitest"
import { EngineMemory } from "../../src/testing/index.ts"
import { ContainerEngineTest } from "../../src/testing/suite/index.ts"
import { makeRecorder } from "../../src/testing/suite/OptionCoverage.ts"

const directory = fs.mkdtempSync(join(tmpdir(), "cryopod-conformance-"))
afterAll(() => fs.rmSync(directory, { recursive: true }))

const registry = EngineMemory.makeRegistry({
  plain: ["127.0.0.1:5000", "127.0.0.1:5001"],
  logins: [["127.0.0.1:5001", "user:secret"]],
})

const recorder = makeRecorder()

ContainerEngineTest.suite("engine in memory", {
  layer: recorder.listen(EngineMemory.layer({ registry })),
  rootfs: ContainerEngineTest.rootfsWithoutPrograms,
  directory,
  registry: "127.0.0.1:5000",
  guarded: { registry: "127.0.0.1:5001", login: "user:secret" },
})

describe("engine in memory without memory tracking", () => {
  ContainerEngineTest.suite("engine in memory", {
    layer: EngineMemory.layer({ registry, memoryTracking: false }),
    rootfs: ContainerEngineTest.rootfsWithoutPrograms,
    directory,
    registry: "127.0.0.1:5000",
    guarded: { registry: "127.0.0.1:5001", login: "user:secret" },
    lacks: {
      memoryTracking: {
        because: "it was told so",
        cases: [
          "a pre-checkpoint leaves the container running, and a checkpoint builds on it",
          "a second round without a first is refused, and the container goes on",
          "an archive of the second round holds the first when that has never left",
          "an archive of the second round needs that of the first",
        ],
      },
    },
  })
})

describe("the suite", () => {
  it("has a case for every option of every operation", () => {
    expect(recorder.unused()).toEqual([])
    expect(recorder.wrongExceptions()).toEqual([])
  })

  it("has no two cases of one name", () => {
    const names = Object.values(ContainerEngineTest.groups).flatMap((cases) => cases.map(({ name }) => name))
    expect(names.filter((name, at) => names.indexOf(name) !== at)).toEqual([])
  })
})
