import { describe, expect, it } from "vitest"
import { dumpedBytes, dumpedTasks, pagesFile } from "../src/index.ts"

describe("which tasks a dump has come to", () => {
  it("is told by the log, in the order of their files", () => {
    const log = [
      "(00.051886) Dumping pages (type: 59 pid: 7127)",
      "(00.051890)    Private vmas 388/565 pages",
      "(00.055807) Dumping pages (type: 59 pid: 7156)",
      "(00.055900) Dumping pages (type: 59 pi",
    ].join("\n")
    expect(dumpedTasks(log)).toEqual([7127, 7156])
    expect(pagesFile(2)).toBe("pages-2.img")
  })
})

describe("how much a dump takes of a task", () => {
  const area = (range: string, name: string, anonymous: number, swap: number) =>
    `${range} rw-p 00000000 fe:00 1234                       ${name}\nSize:  132 kB\nRss: 64 kB\nAnonymous: ${anonymous} kB\nLazyFree: 0 kB\nAnonHugePages: 0 kB\nSwap: ${swap} kB\nSwapPss: 0 kB\nVmFlags: rd wr\n`

  it("is what it has of its own, in memory and swapped out, and the whole of [vdso]", () => {
    const smaps =
      area("55f0c0000000-55f0c0021000", "[heap]", 64, 8) +
      area("7f0000000000-7f0000100000", "/usr/lib/libc.so.6", 12, 0) +
      area("7ffd0a9f2000-7ffd0a9f6000", "[vvar]", 4, 0) +
      area("7ffd0a9f6000-7ffd0a9f8000", "[vdso]", 0, 0)
    expect(dumpedBytes(smaps)).toBe((64 + 8 + 12 + 8) * 1024)
  })
})
