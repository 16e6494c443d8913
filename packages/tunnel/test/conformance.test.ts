/** The suite that every engine passes, through a service: tunnel → service → engine in memory. */
import * as fs from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { EngineMemory } from "@cryopod/entities/testing"
import { ContainerEngineTest } from "@cryopod/entities/testing/suite"
import { afterAll } from "vitest"
import { lacksOfServices } from "./support/lacksOfServices.ts"
import { overService } from "./support/overService.ts"

const directory = fs.mkdtempSync(join(tmpdir(), "cryopod-conformance-"))
afterAll(() => fs.rmSync(directory, { recursive: true }))

const registry = EngineMemory.makeRegistry({
  plain: ["127.0.0.1:5000", "127.0.0.1:5001"],
  logins: [["127.0.0.1:5001", "user:secret"]],
})

ContainerEngineTest.suite("tunnel to a service of the engine in memory", {
  layer: overService(EngineMemory.layer({ registry })),
  rootfs: ContainerEngineTest.rootfsWithoutPrograms,
  directory,
  registry: "127.0.0.1:5000",
  lacks: lacksOfServices,
  guarded: { registry: "127.0.0.1:5001", login: "user:secret" },
})
