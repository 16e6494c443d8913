/** The committed OpenAPI document is that of the contract, and says of every route what it is. */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { LibpodApi, referencePage } from "@cryopod/rest"
import * as OpenApi from "effect/http-api/OpenApi"
import { describe, expect, it } from "vitest"
import { openApiText } from "./openApiText.ts"

interface Operation {
  readonly operationId: string
  readonly parameters: ReadonlyArray<{ readonly name: string; readonly in: string; readonly description?: string }>
  readonly responses: Readonly<Record<string, { readonly description?: string }>>
}

const document = OpenApi.fromApi(LibpodApi)
const operations = Object.values(document.paths as unknown as Record<string, Record<string, Operation>>).flatMap(
  (path) => Object.values(path),
)

describe("docs/reference/openapi.json", () => {
  it("is what the contract says (scripts/openapi writes it)", () => {
    expect(readFileSync(join(import.meta.dirname, "../../docs/reference/openapi.json"), "utf8") === openApiText).toBe(
      true,
    )
  })

  it("describes every parameter of every query", () => {
    const bare = operations.flatMap(({ operationId, parameters }) =>
      parameters
        .filter(({ description, in: place }) => place === "query" && description === undefined)
        .map(({ name }) => `${operationId} ${name}`),
    )
    expect(bare).toEqual([])
  })

  it("names the failures of a status", () => {
    const checkpoint = operations.find(({ operationId }) => operationId === "containers.checkpoint")
    expect(checkpoint?.responses["404"]?.description).toContain("ContainerNotFound")
    expect(checkpoint?.responses["500"]?.description).toContain("DumpFailed")
  })

  it("is a page to read, with every route and nothing from elsewhere", () => {
    const page = referencePage(document)
    for (const { operationId } of operations) expect(page).toContain(`id="${operationId}"`)
    expect(page).not.toMatch(/src=|https?:/)
  })
})
