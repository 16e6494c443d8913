import * as entities from "@cryopod/entities"
import * as Schema from "effect/Schema"
import { describe, expect, it } from "vitest"
import { causeOf, errorsOf, onWire } from "../src/index.ts"

const failures = [
  ...new Set<entities.FailureClass>([
    ...entities.checkpointFailures,
    ...entities.restoreFailures,
    entities.OptionConflict,
    entities.TargetShared,
  ]),
  // goes as what libpod writes, which the last case of these is about
].filter((failure) => failure !== entities.ServiceFailure)

/** A value for any field a failure has. */
const sample = (schema: Schema.Top): unknown => {
  const { ast } = schema
  if (ast._tag === "String") return "some: text"
  if (ast._tag === "Number") return 3
  if (ast._tag === "Boolean") return true
  if (ast._tag === "Arrays") return ast.rest.map((element) => sample({ ast: element } as Schema.Top))
  if (ast._tag === "Objects") {
    return Object.fromEntries(
      ast.propertySignatures.map(({ name, type }) => [name, sample({ ast: type } as Schema.Top)]),
    )
  }
  if (ast._tag === "Literal") return ast.literal
  if (ast._tag === "Union") {
    const [first] = ast.types
    return first?._tag === "Literal" ? first.literal : sample({ ast: first } as Schema.Top)
  }
  throw new Error(`no sample for ${ast._tag}`)
}

const instance = (failure: entities.FailureClass) =>
  new failure(
    Object.fromEntries(
      Object.entries(failure.fields).map(([name, field]) => [name, sample(field as Schema.Top)]),
    ) as never,
  ) as Error

describe("a failure on the wire", () => {
  it.each(failures.map((failure) => [failure.tag, failure] as const))(
    "%s carries libpod's body and comes back as itself",
    (tag, failure) => {
      const thrown = instance(failure)
      const wire = JSON.parse(JSON.stringify(Schema.encodeUnknownSync(onWire(failure))(thrown))) as Record<
        string,
        unknown
      >
      expect(wire).toMatchObject({ message: thrown.message, response: failure.status, _tag: tag })
      expect(wire["cause"]).toBe(causeOf(thrown.message))
      const back = Schema.decodeUnknownSync(Schema.Union(errorsOf([failure])))(wire)
      expect(back).toBeInstanceOf(failure)
      expect(back).toEqual(thrown)
    },
  )

  it("without tag and fields is a service's failure", () => {
    const body = { cause: "no such container", message: "no container: no such container", response: 404 }
    const back = Schema.decodeUnknownSync(Schema.Union(errorsOf([entities.ContainerNotFound])))(body)
    expect(back).toEqual(new entities.ServiceFailure({ cause: body.cause, text: body.message, status: 404 }))
  })

  it.each([
    ["a: b: no such container", "no such container"],
    ["checkpointing a container requires root", "checkpointing a container requires root"],
    ["ends with a colon: ", "ends with a colon: "],
  ])("finds the cause of %j", (message, cause) => {
    expect(causeOf(message)).toBe(cause)
  })
})
