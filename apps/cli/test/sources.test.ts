/** Relative sources of mounts. */
import { expect, it } from "vitest"
import { mountFromHere, volumeFromHere } from "../src/sources.ts"

it.each([
  ["./data:/data:ro", "/here/data:/data:ro"],
  [".:/data", "/here:/data"],
  ["../data:/data", "/data:/data"],
  ["data:/data", "data:/data"],
  ["/data", "/data"],
  ["./data", "./data"],
])("--volume %s", (text, expected) => {
  expect(volumeFromHere(text, "/here")).toBe(expected)
})

it.each([
  ["type=bind,src=data,dst=/data", "type=bind,src=/here/data,dst=/data"],
  ["dst=/data,source=./data,ro,type=bind", "dst=/data,source=/here/data,ro,type=bind"],
  ['type=bind,"src=./a,b",dst=/data', 'type=bind,"src=/here/a,b",dst=/data'],
  ["type=bind,src=/data,dst=/data", "type=bind,src=/data,dst=/data"],
  ["type=volume,src=data,dst=/data", "type=volume,src=data,dst=/data"],
])("--mount %s", (text, expected) => {
  expect(mountFromHere(text, "/here")).toBe(expected)
})
