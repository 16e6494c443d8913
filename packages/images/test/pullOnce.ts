/** A pull in a process of its own, to be killed: `pullOnce.ts ROOT REFERENCE`. */
import * as Effect from "effect/Effect"
import { pullImage } from "../src/index.ts"
import { servicesAt } from "./support.ts"

const [root = "", ref = ""] = process.argv.slice(2)
await Effect.runPromise(
  pullImage(ref, { tlsVerify: false, authfile: "", creds: "" }).pipe(Effect.provide(servicesAt(root))),
)
