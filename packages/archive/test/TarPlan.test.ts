/** Archives of members that lie in files, and of members that are made while they are read. */
import * as fs from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { archiveBlocks, planMembers, type StreamedMember } from "../src/index.ts"
import { gather, readAll } from "./tars.ts"

let directory = ""
beforeAll(() => {
  directory = fs.mkdtempSync(join(tmpdir(), "cryopod-plan-"))
  fs.writeFileSync(join(directory, "file"), "in a file")
})
afterAll(() => fs.rmSync(directory, { recursive: true }))

const content = Buffer.alloc(3_000_001, "streamed ")
let closed = 0
const streamed = (sizeBytes: number, pieceBytes = 65_536): StreamedMember => ({
  name: "volumes/vol.tar",
  sizeBytes,
  async *open() {
    try {
      for (let at = 0; at < content.length; at += pieceBytes) yield content.subarray(at, at + pieceBytes)
    } finally {
      closed++
    }
  },
})
const written = async (member: StreamedMember) =>
  gather(
    archiveBlocks(await planMembers([member, { name: "file", path: join(directory, "file") }]), {
      compression: "none",
    }),
  )

async function* whole(bytes: Uint8Array) {
  yield bytes
}

describe("a member that is made while it is read", () => {
  it.each([1, 1000, 65_536, 5_000_000])(
    "is in the archive as it was announced, in pieces of %i bytes",
    async (pieceBytes) => {
      const bytes = await written(streamed(content.length, Math.max(pieceBytes, 500)))
      const members = await readAll(whole(bytes))
      expect(members.map(({ name }) => name)).toEqual(["volumes/", "volumes/vol.tar", "file"])
      expect(members[1]?.bytes.equals(content)).toBe(true)
      expect(members[2]?.bytes.toString()).toBe("in a file")
    },
  )

  it("may be empty", async () => {
    const bytes = await written({ name: "volumes/vol.tar", sizeBytes: 0, open: () => whole(new Uint8Array()) })
    expect((await readAll(whole(bytes))).map(({ sizeBytes }) => sizeBytes)).toEqual([0, 0, 9])
  })

  it.each([
    ["more", content.length - 1],
    ["less", content.length + 1],
  ])("fails when there is %s of it than announced", async (_, sizeBytes) => {
    await expect(written(streamed(sizeBytes))).rejects.toThrow("volumes/vol.tar changed while it was read")
  })

  it("is closed when nobody wants more", async () => {
    const before = closed
    const blocks = archiveBlocks(await planMembers([streamed(content.length)]), { compression: "none" })
    await blocks.next()
    await blocks.return()
    expect(closed).toBe(before + 1)
  })

  it("fails as what makes it does", async () => {
    const failing: StreamedMember = {
      name: "x",
      sizeBytes: 10,
      async *open() {
        yield Buffer.from("01234")
        throw new Error("no more")
      },
    }
    await expect(written(failing)).rejects.toThrow("no more")
  })
})
