/** The mappings of a process in a dump, and how much of each the dump has. */
import { type EntryOf, type ProcessMemory, vmaStatus } from "@cryopod/criu"
import type { MemoryMapping } from "@cryopod/entities"
import type { FileTable } from "./openFiles.ts"

type Vma = EntryOf<"vmas">

/** Kinds by the bits that tell them, the telling ones first. */
const kinds: ReadonlyArray<readonly [bits: number, kind: string]> = [
  [vmaStatus.heap, "heap"],
  [vmaStatus.stack, "stack"],
  [vmaStatus.vdso, "vdso"],
  [vmaStatus.vvar, "vvar"],
  [vmaStatus.vsyscall, "vsyscall"],
  [vmaStatus.memfd, "memfd"],
  [vmaStatus.sysvIpc, "ipc"],
  [vmaStatus.socket, "socket"],
  [vmaStatus.aioRing, "aio"],
  [vmaStatus.shadowStack, "shadow stack"],
  [vmaStatus.uprobes, "uprobes"],
  [vmaStatus.fileShared, "file"],
  [vmaStatus.filePrivate, "file"],
  [vmaStatus.anonShared, "shared"],
  [vmaStatus.anonPrivate, "anonymous"],
]

/** Linux `include/uapi/asm-generic/mman-common.h`, PROT_*, and MAP_SHARED. */
const [readable, writable, executable, shared] = [1, 2, 4, 1]

export const hexadecimal = (address: bigint): string => address.toString(16)

/** `stackAt` is an address in the stack of the first thread, of which CRIU's bits do not tell. */
export const mappingOf = (
  vma: Vma,
  { files, memory, stackAt }: { readonly memory: ProcessMemory; readonly files: FileTable; readonly stackAt: bigint },
): MemoryMapping => {
  const isStack = vma.start <= stackAt && stackAt < vma.end
  const kind = isStack ? "stack" : (kinds.find(([bits]) => (vma.status & bits) !== 0)?.[1] ?? "other")
  const letter = (bit: number, text: string) => ((vma.prot & bit) === 0 ? "-" : text)
  return {
    start: hexadecimal(vma.start),
    end: hexadecimal(vma.end),
    permissions: `${letter(readable, "r")}${letter(writable, "w")}${letter(executable, "x")}${(vma.flags & shared) === 0 ? "p" : "s"}`,
    kind,
    // the number of a file stands where shared memory has its own (`criu/include/image.h`)
    path: kind === "file" ? (files.get(Number(vma.shmid))?.path ?? "") : "",
    sizeBytes: Number(vma.end - vma.start),
    pagesBytes: pagesWithin(vma, memory),
  }
}

const pagesWithin = ({ end, start }: Vma, memory: ProcessMemory): number => {
  let bytes = 0
  for (const { address, inParent, offset, sizeBytes } of memory.pagemap.ranges) {
    if (address >= end) break
    if (offset === undefined && !inParent) continue
    const from = address > start ? address : start
    const rangeEnd = address + BigInt(sizeBytes)
    const to = rangeEnd < end ? rangeEnd : end
    if (to > from) bytes += Number(to - from)
  }
  return bytes
}

/** Numbers of the shared memory without a file that a process has mapped. */
export const sharedMemoryOf = (vmas: ReadonlyArray<Vma>): ReadonlyArray<bigint> => [
  ...new Set(vmas.filter(({ status }) => (status & vmaStatus.anonShared) !== 0).map(({ shmid }) => shmid)),
]
