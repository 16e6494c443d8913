/** System V objects of a dump are told from those of a namespace that others live in. */
import { describe, expect, it } from "vitest"
import { ipcDecision, type IpcObject, ipcObjectsIn } from "../src/index.ts"

const shm = `       key      shmid perms                  size  cpid  lpid nattch   uid   gid  cuid  cgid      atime      dtime      ctime                   rss                  swap
-1862274561          0   644                  4096   123   124      0     0     0     0     0          0          0 1764108000                     0                     0
         0      32769   600                 65536   123   124      2     0     0     0     0          0          0 1764108000                     0                     0
`
const sem = `       key      semid perms      nsems   uid   gid  cuid  cgid      otime      ctime
 219500538          0   644          3     0     0     0     0          0 1764108000
`
const msg = `       key      msqid perms      cbytes       qnum lspid lrpid   uid   gid  cuid  cgid      stime      rtime      ctime
-15461580          7   644          12          1     0     0     0     0     0     0          0          0 1764108000
`

it("reads the kernel's tables, whose keys are signed", () => {
  expect(ipcObjectsIn("shm", shm)).toEqual([
    { kind: "shm", key: 2432692735, id: 0, size: 4096 },
    { kind: "shm", key: 0, id: 32769, size: 65536 },
  ])
  expect(ipcObjectsIn("sem", sem)).toEqual([{ kind: "sem", key: 219500538, id: 0, size: 3 }])
  expect(ipcObjectsIn("msg", msg)).toEqual([{ kind: "msg", key: 4279505716, id: 7, size: 0 }])
  expect(ipcObjectsIn("msg", "")).toEqual([])
})

const object = (fields: Partial<IpcObject>): IpcObject => ({ kind: "shm", id: 1, key: 5, size: 100, ...fields })

describe("a dumped object", () => {
  it.each([
    ["is made where nothing is", [], "other", "restore"],
    ["is made beside others", [object({ id: 2, key: 6 })], "other", "restore"],
    ["is made beside one of another kind", [object({ kind: "sem" })], "other", "restore"],
    ["is the one with its number, key and size", [object({})], "other", "keep"],
    ["is not one with another key", [object({ key: 6 })], "same", "taken"],
    ["is not one with another size", [object({ size: 200 })], "same", "taken"],
    ["cannot have a key that another has", [object({ id: 2 })], "same", "taken"],
  ] as const)("%s", (_case, present, namespace, decision) => {
    expect(ipcDecision(object({}), present, namespace)).toBe(decision)
  })

  it("without a key is known again in its own namespace only", () => {
    const nameless = object({ key: 0 })
    expect(ipcDecision(nameless, [nameless], "same")).toBe("keep")
    expect(ipcDecision(nameless, [nameless], "other")).toBe("taken")
    expect(ipcDecision(nameless, [object({ id: 2, key: 0 })], "other")).toBe("restore")
  })
})
