/** Every value of every image of real dumps is what CRIU's own reader says, and is written back as it was. */
import * as fs from "node:fs"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { bytesSource, imageEntries, imageKindOf, Protobuf } from "../../packages/criu/src/index.ts"
import { type CritImages, critImages, ourImage, plain } from "./support/crit.ts"
import { Host } from "./support/Host.ts"
import { imagesOf, importPrograms, programs, runProgram } from "./support/programs.ts"

let host: Host
const dumps = new Map<string, { readonly directory: string; readonly crit: CritImages }>()

beforeAll(async () => {
  host = await Host.make()
  await importPrograms(host)
  for (const program of programs) {
    await runProgram(host, program)
    await host.ok("container", "checkpoint", "--tcp-established", "--file-locks", program.name)
    const directory = await imagesOf(host, program.name)
    dumps.set(program.name, { directory, crit: critImages(directory) })
  }
})
afterAll(() => host.dispose())

const dumpOf = (name: string) => {
  const dump = dumps.get(name)
  if (dump === undefined) throw new Error(`${name} was not dumped`)
  return { ...dump, images: Object.entries(dump.crit) }
}

describe.each(programs.map(({ name }) => name))("the dump of %s", (name) => {
  it("reads as crit reads it, value by value", () => {
    const { directory, images } = dumpOf(name)
    expect(images.length).toBeGreaterThan(15)
    for (const [file, crit] of images) {
      expect({ file, image: ourImage(fs.readFileSync(join(directory, file))) }).toEqual({ file, image: plain(crit) })
    }
  })

  it("is written as CRIU wrote it, byte by byte", () => {
    const { directory, images } = dumpOf(name)
    for (const [file] of images) {
      const source = bytesSource(fs.readFileSync(join(directory, file)))
      const kind = imageKindOf(source)
      if (kind === undefined) continue
      for (const { message, table } of imageEntries(source, kind)) {
        expect({ file, bytes: Protobuf.encode(Protobuf.decode(message, table), table) }).toEqual({
          file,
          bytes: Uint8Array.from(message),
        })
      }
    }
  })
})

const wantedKinds =
  "INVENTORY PSTREE CORE IDS MM PAGEMAP FILES FDINFO FS MNTS SECCOMP UTSNS TIMENS FILE_LOCKS MEMFD_INODE IPC_VAR IPCNS_SHM IPCNS_SEM IPCNS_MSG PIPES_DATA FIFO_DATA SK_QUEUES GHOST_FILE REMAP_FPATH TCP_STREAM CGROUP"
const wantedTypes = "REG PIPE FIFO INETSK UNIXSK NETLINKSK EVENTFD EVENTPOLL INOTIFY SIGNALFD TIMERFD MEMFD"

it("the dumps have what there is to compare", () => {
  const images = [...dumps.values()].flatMap(({ crit }) => Object.entries(crit))
  const kinds = images.map(([, image]) => image?.magic)
  expect(kinds).toEqual(expect.arrayContaining(wantedKinds.split(" ")))
  const types = images.flatMap(([file, image]) =>
    file === "files.img" ? (image?.entries ?? []).map((entry) => (entry as { readonly type: string }).type) : [],
  )
  expect(types).toEqual(expect.arrayContaining(wantedTypes.split(" ")))
})
