/** The contract as a page to read: every route with its parameters, in one file without anything from elsewhere. */
import type { OpenAPISpec } from "effect/http-api/OpenApi"

interface Parameter {
  readonly name: string
  readonly in: string
  readonly description?: string
  readonly required?: boolean
  readonly schema: { readonly type?: string }
}

interface Operation {
  readonly operationId: string
  readonly tags: ReadonlyArray<string>
  readonly parameters: ReadonlyArray<Parameter>
  readonly responses: Readonly<Record<string, { readonly description?: string }>>
}

/** As `OpenApiDocument.ts` leaves them. */
type Paths = Readonly<Record<string, Readonly<Record<string, Operation>>>>

const escaped = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;")

export const referencePage = ({ info, paths: routes }: OpenAPISpec): string => {
  const paths = routes as unknown as Paths
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
  )
  const groups = [...new Set(operations.flatMap(({ operation }) => operation.tags))]
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escaped(info.title)}</title>
<style>
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #222; background: #fff }
h2 { margin-top: 2.5rem; text-transform: capitalize }
details { border-top: 1px solid #ddd; padding: .4rem 0 }
summary { cursor: pointer; font-family: ui-monospace, monospace }
summary b { display: inline-block; width: 5rem }
table { border-collapse: collapse; margin: .5rem 0 .5rem 1rem }
td { padding: .15rem .8rem .15rem 0; vertical-align: top }
code { font-family: ui-monospace, monospace }
</style>
<h1>${escaped(info.title)} ${escaped(info.version)}</h1>
<p>${escaped(info.description ?? "")}</p>
<p><a href="/openapi.json">The same as an OpenAPI document</a></p>
<nav>${groups.map((group) => `<a href="#${escaped(group)}">${escaped(group)}</a>`).join(" · ")}</nav>
${groups
  .map(
    (group) => `<h2 id="${escaped(group)}">${escaped(group)}</h2>
${operations
  .filter(({ operation }) => operation.tags.includes(group))
  .map(
    ({ method, operation, path }) =>
      `<details id="${escaped(operation.operationId)}"><summary><b>${method}</b>${escaped(path)}</summary>
<table>${operation.parameters
        .map(
          (parameter) =>
            `<tr><td><code>${escaped(parameter.name)}</code></td><td>${escaped(parameter.in)}</td><td>${escaped(parameter.schema.type ?? "")}</td><td>${escaped(parameter.description ?? "")}</td></tr>`,
        )
        .join("")}</table>
<table>${Object.entries(operation.responses)
        .map(([status, { description = "" }]) => `<tr><td><b>${status}</b></td><td>${escaped(description)}</td></tr>`)
        .join("")}</table></details>`,
  )
  .join("\n")}`,
  )
  .join("\n")}
</html>
`
}
