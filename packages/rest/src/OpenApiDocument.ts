/**
 * The OpenAPI document of the contract, made readable: what Effect derives from the routes, with every parameter described
 * as its option is, and every failure told once.
 */
import * as HttpApi from "effect/http-api/HttpApi"
import type * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import { describedParameters } from "./Query.ts"

type Json = Record<string, unknown>

interface Operation {
  readonly operationId: string
  readonly parameters: ReadonlyArray<{ readonly name: string; readonly in: string; readonly schema: Json }>
  readonly responses: Readonly<Record<string, Json>>
}

const failureName = "Failure"

const failureSchema: Json = {
  type: "object",
  description:
    "What every failure has. Beyond libpod, `_tag` names its class, whose fields stand beside it; the text of every field is in `message`.",
  properties: {
    cause: { type: "string", description: "The root cause: what stands behind the last colon of the message" },
    message: { type: "string" },
    response: { type: "integer", description: "The status, again" },
    _tag: { type: "string" },
  },
  required: ["cause", "message", "response"],
}

/** To be applied to what Effect derives (`OpenApi.Transform`). */
export const readable =
  (api: HttpApi.Constraint) =>
  (derived: Json): Json => {
    const described = new Map<string, ReadonlyMap<string, string>>()
    HttpApi.reflect(
      api as never,
      {
        onGroup: () => undefined,
        onEndpoint: ({
          endpoint,
          group,
        }: {
          readonly endpoint: HttpApiEndpoint.Top
          readonly group: { readonly identifier: string }
        }) => {
          if (endpoint.query !== undefined)
            described.set(`${group.identifier}.${endpoint.identifier}`, describedParameters(endpoint.query))
        },
      } as never,
    )
    const operation = (one: Operation): Json => ({
      ...one,
      parameters: one.parameters.map((parameter) => {
        const description = parameter.in === "query" ? described.get(one.operationId)?.get(parameter.name) : undefined
        return {
          ...parameter,
          ...(description === undefined ? {} : { description }),
          schema: isBoolean(parameter.schema) ? { type: "boolean" } : parameter.schema,
        }
      }),
      responses: Object.fromEntries(
        Object.entries(one.responses).map(([status, response]) => [
          status,
          Number(status) < 400 ? response : failures(response, derived),
        ]),
      ),
    })
    const paths = Object.fromEntries(
      Object.entries(derived["paths"] as Record<string, Record<string, Operation>>).map(([path, methods]) => [
        path,
        Object.fromEntries(Object.entries(methods).map(([method, one]) => [method, operation(one)])),
      ]),
    )
    const whole = { ...derived, paths, components: { ...(derived["components"] as Json), schemas: {} as Json } }
    whole.components.schemas = { ...used(whole, derived), [failureName]: failureSchema }
    return whole
  }

/** The words of Go's `strconv.ParseBool`. */
const isBoolean = ({ enum: words }: Json): boolean =>
  Array.isArray(words) && words.includes("true") && words.includes("F")

const failures = (response: Json, derived: Json): Json => {
  const whole = JSON.stringify([response, used({ paths: response }, derived)])
  const tags = [...whole.matchAll(/"_tag":\{[^{}]*"(?:enum":\[|const":)"(\w+)"/g)].map(([, tag = ""]) => tag)
  const named = [...new Set(tags)].toSorted((one, other) => one.localeCompare(other, "en"))
  return {
    description: named.length === 0 ? "A failure" : named.join(", "),
    content: { "application/json": { schema: { $ref: `#/components/schemas/${failureName}` } } },
  }
}

/** The schemas that are still referred to, those that they refer to included. */
const used = (document: Json, derived: Json): Json => {
  const all = (derived["components"] as { readonly schemas: Record<string, Json> }).schemas
  const names = new Set<string>()
  const visit = (value: unknown): void => {
    for (const [, name = ""] of JSON.stringify(value).matchAll(/"#\/components\/schemas\/([^"]+)"/g)) {
      if (names.has(name) || all[name] === undefined) continue
      names.add(name)
      visit(all[name])
    }
  }
  visit(document["paths"])
  return Object.fromEntries(
    [...names].toSorted((one, other) => one.localeCompare(other, "en")).map((name) => [name, all[name]]),
  )
}
