/** The reference that lies in the repository is the one that the commands make. */
import * as fs from "node:fs"
import { join } from "node:path"
import { CheckpointFlags, criuBothFields, criuDumpFields, RestoreFlags } from "@cryopod/entities"
import { describe, expect, it } from "vitest"
import { commandTree } from "../../apps/cli/src/commandTree.ts"
import { referencePage } from "../../apps/cli/src/reference.ts"

const project = join(import.meta.dirname, "../..")
const committed = fs.readFileSync(join(project, "docs/reference/cli.md"), "utf8")

describe("docs/reference/cli.md", () => {
  it("is what scripts/reference makes", () => {
    expect(committed).toBe(referencePage(commandTree))
  })

  it.each([
    ["container checkpoint", CheckpointFlags],
    ["container restore", RestoreFlags],
  ])("tells of every option of %s", (command, flags) => {
    const [, section = ""] = committed.split(`\n## cryopod ${command}\n`)
    const [text = ""] = section.split("\n## ")
    const missing = Object.entries(flags).filter(([, { cli }]) => !text.includes(`--${cli} `))
    expect(missing.map(([name]) => name)).toEqual([])
  })
})

/** Each is held against what Podman does with it, by a step of the script that both run. */
describe("options of checkpoint and restore in test/real/surface/steps.txt", () => {
  const steps = fs.readFileSync(join(project, "test/real/surface/steps.txt"), "utf8").split("\n")
  const used = (command: string, cli: string, short: string | undefined) =>
    steps.some(
      (step) =>
        step.includes(`podman container ${command} `) &&
        (new RegExp(`--${cli}[ =]|--${cli}$`).test(step) ||
          (short !== undefined && `${step} `.includes(` -${short} `))),
    )
  it.each([
    ["checkpoint", CheckpointFlags, Object.keys(criuDumpFields)],
    ["restore", RestoreFlags, ["volume", ...Object.keys(criuBothFields("Restore")), "policy", "force"]],
  ])("%s, but for those that Podman does not have", (command, flags, ours) => {
    const left = Object.entries(flags).filter(([, { cli, short }]) => !used(command, cli, short))
    expect(left.map(([name]) => name)).toEqual(ours)
  })
})
