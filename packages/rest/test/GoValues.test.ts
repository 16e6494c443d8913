import { ContainerSummary } from "@cryopod/entities"
import * as Schema from "effect/Schema"
import { describe, expect, it } from "vitest"
import { withZeroValues } from "../src/index.ts"

describe("a document of Go's", () => {
  it("gets the zero values that it left out or wrote as null", () => {
    const podman = {
      Command: null,
      Created: "2026-11-25T10:00:00Z",
      Id: "abc",
      Labels: null,
      Names: ["web"],
      State: "running",
      Size: null,
    }
    const summary = Schema.decodeUnknownSync(ContainerSummary)(withZeroValues(ContainerSummary, podman))
    expect(summary).toMatchObject({ Command: [], Labels: {}, Names: ["web"], ExitCode: 0, IsInfra: false, Pod: "" })
  })

  it("keeps null where null is meant, and optional fields away", () => {
    const schema = Schema.Struct({ a: Schema.NullOr(Schema.String), b: Schema.optionalKey(Schema.Int), c: Schema.Int })
    expect(withZeroValues(schema, { a: null })).toEqual({ a: null, c: 0 })
  })

  it("does not hide a document of another shape", () => {
    expect(withZeroValues(Schema.Array(ContainerSummary), { cause: "x" })).toEqual({ cause: "x" })
  })
})
