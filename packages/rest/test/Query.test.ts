import {
  CheckpointFlags,
  ImageListFlags,
  ImageRemoveFlags,
  ImportFlags,
  KillFlags,
  ListFlags,
  LogsFlags,
  type Options,
  PullFlags,
  PushFlags,
  RemoveFlags,
  RestoreFlags,
  StopFlags,
} from "@cryopod/entities"
import * as Schema from "effect/Schema"
import { describe, expect, it } from "vitest"
import { canonicalQuery, GoBool, GoInt, parameter, parametersOf, query, restName } from "../src/index.ts"

const options = {
  CheckpointFlags,
  RestoreFlags,
  StopFlags,
  KillFlags,
  RemoveFlags,
  ListFlags,
  LogsFlags,
  PullFlags,
  PushFlags,
  ImportFlags,
  ImageRemoveFlags,
  ImageListFlags,
}

/** What a client writes for an option, and what it must mean. */
const sample = (kind: string) =>
  kind === "bool"
    ? { text: "1", value: true }
    : kind === "int"
      ? { text: "7", value: 7 }
      : kind === "string"
        ? { text: "word", value: "word" }
        : { text: ["a", "b"], value: ["a", "b"] }

describe("every option", () => {
  it.each(
    Object.entries(options).flatMap(([name, flags]) =>
      Object.entries(flags).map(([field, facts]) => [name, field, restName(facts), facts.kind] as const),
    ),
  )("%s.%s comes back from its name %s", (name, field, rest, kind) => {
    const schema = query(parametersOf<Options, string>(options[name as keyof typeof options], [field]))
    const { text, value } = sample(kind)
    const wanted = { [field]: value }
    for (const written of [rest, rest.toLowerCase(), rest.toUpperCase()]) {
      expect(Schema.decodeUnknownSync(schema)(canonicalQuery(schema, { [written]: text }))).toEqual(wanted)
    }
    const sent = Schema.encodeUnknownSync(schema)(wanted) as Record<string, string>
    expect(Object.keys(sent)).toEqual([rest])
    expect(Schema.decodeUnknownSync(schema)(canonicalQuery(schema, sent))).toEqual(wanted)
  })
})

describe("Go's truth words", () => {
  it.each(["1", "t", "T", "true", "TRUE", "True", "on"])("%s is true", (word) => {
    expect(Schema.decodeUnknownSync(GoBool)(word)).toBe(true)
  })
  it.each(["0", "f", "F", "false", "FALSE", "False"])("%s is false", (word) => {
    expect(Schema.decodeUnknownSync(GoBool)(word)).toBe(false)
  })
  it.each(["yes", "tRUE", "2", " true", "off"])("%j is refused", (word) => {
    expect(() => Schema.decodeUnknownSync(GoBool)(word)).toThrow("Expected")
  })
  it.each(["", "1.5", "0x10", "9999999999999999999", "--1", "1e3"])("%j is no number", (word) => {
    expect(() => Schema.decodeUnknownSync(GoInt)(word)).toThrow("Expected")
  })
})

describe("what clients write", () => {
  const schema = query({
    ...parametersOf(RestoreFlags, ["keep", "publish", "name"]),
    import: parameter.bool("the body is the archive"),
  })
  it.each([
    ["names in any case", { KEEP: "1", PublishPORTS: "80:80" }, { keep: "1", publishPorts: ["80:80"] }],
    ["unknown names ignored", { importarchive: "/etc/passwd", keep: "1" }, { keep: "1" }],
    ["empty means absent", { keep: "", name: "", publishports: "" }, {}],
    ["the last one wins", { name: ["a", "b"], keep: ["1", "0"] }, { name: "b", keep: "0" }],
    ["an empty one does not win", { name: ["a", ""] }, { name: "a" }],
    ["what repeats counts each time", { publishPorts: ["1:1", "2:2"] }, { publishPorts: ["1:1", "2:2"] }],
    ["a name in two cases is one", { publishPorts: "1:1", publishports: "2:2" }, { publishPorts: ["1:1", "2:2"] }],
    ["names of objects are no parameters", { __proto__: "x", constructor: "y", toString: "z" }, {}],
  ])("%s", (_, given, wanted) => {
    expect(canonicalQuery(schema, given as Record<string, string>)).toEqual(wanted)
  })
})
