/** A pull in a process of its own, to be killed: `pullOnce.ts ROOT REFERENCE`. */
import { join } from "node:path"
import { Database, Layout, Tools } from "@cryopod/host"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { imageServices, imageTables, pullImage } from "../src/index.ts"

const [root = "", ref = ""] = process.argv.slice(2)
const edge = Layer.mergeAll(
  Layout.layer(root, join(root, "run")),
  Database.layer(join(root, "cryopod.db"), [imageTables]),
  Tools.layer({ prefix: "/nonexistent", path: process.env["PATH"] ?? "" }),
)
await Effect.runPromise(
  pullImage(ref, { tlsVerify: false, authfile: "", creds: "" }).pipe(
    Effect.provide(imageServices.pipe(Layer.provideMerge(edge))),
  ),
)
