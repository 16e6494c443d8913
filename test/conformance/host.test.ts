/** The suite that every engine passes, on the engine of this host with real containers, networks, CRIU and registries. */
import { defaultPrefix, localEngine } from "@cryopod/abi"
import { ContainerEngineTest } from "@cryopod/entities/testing/suite"
import { afterAll } from "vitest"
import { lacksOfKernel, makeGround } from "./support/ground.ts"

const ground = await makeGround()
afterAll(ground.dispose)

ContainerEngineTest.suite("the engine of this host", {
  ...ground.bench,
  layer: localEngine({
    root: ground.root,
    runroot: ground.runroot,
    runtime: "runc",
    prefix: defaultPrefix,
    path: process.env["PATH"] ?? "",
    selfCommand: [...ground.program],
    engineName: "cryopod",
    engineVersion: "0.0.0",
  }),
  lacks: lacksOfKernel,
})
