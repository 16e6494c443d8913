/** The processes of a dump, each with what it holds. One at a time: a dump may have thousands. */
import { type EntryOf, taskStates, zeroSeparated } from "@cryopod/criu"
import type { CheckpointedProcess, OpenSocket } from "@cryopod/entities"
import { threadClaimsOf } from "../policy/imageClaims.ts"
import type { DumpFiles } from "./DumpFiles.ts"
import { mappingOf, sharedMemoryOf } from "./mappings.ts"
import { type FileTable, openFilesOf } from "./openFiles.ts"

/** No command line and no environment is longer (execve(2)); what says otherwise is not believed. */
const longestWords = 8 << 20

export interface DumpedProcess {
  readonly process: CheckpointedProcess
  readonly sockets: ReadonlyArray<OpenSocket>
}

export function* dumpedProcesses(
  dump: DumpFiles,
  files: FileTable,
  { environment }: { readonly environment: boolean },
): Generator<DumpedProcess, void, void> {
  for (const item of dump.entries("pstree.img", "pstree")) yield processOf(dump, files, { environment, item })
}

const processOf = (
  dump: DumpFiles,
  files: FileTable,
  { environment, item }: { readonly environment: boolean; readonly item: EntryOf<"pstree"> },
): DumpedProcess => {
  const { pid } = item
  const core = closing(dump, `core-${pid}.img`, () => dump.only(`core-${pid}.img`, "core"))
  const mm = closing(dump, `mm-${pid}.img`, () => dump.only(`mm-${pid}.img`, "mm"))
  const ids = closing(dump, `ids-${pid}.img`, () => dump.only(`ids-${pid}.img`, "ids")) ?? core?.ids
  const memory = dump.memory(pid)
  dump.close(`pagemap-${pid}.img`)
  // before CRIU 2.0 mappings had a file of their own (`criu/image-desc.c`)
  const vmas = mm?.vmas.length ? mm.vmas : [...dump.entries(`vmas-${pid}.img`, "vmas")]
  const words = (from: bigint | undefined, to: bigint | undefined): ReadonlyArray<string> => {
    const length = Number((to ?? 0n) - (from ?? 0n))
    if (from === undefined || length <= 0 || length > longestWords) return []
    const bytes = memory.read(from, length)
    return bytes.length === 0 ? [] : zeroSeparated(bytes)
  }
  const sharedBytes = sharedMemoryOf(vmas)
    .map((id) => dump.memory(`shmem-${id}`).sizeBytes)
    .reduce((sum, bytes) => sum + bytes, 0)
  const open = openFilesOf(dump, files, { pid, filesId: ids?.files_id, executable: mm?.exe_file_id })
  const claims = threadClaimsOf(pid, core)
  const process: CheckpointedProcess = {
    pid,
    parent: item.ppid,
    group: item.pgid,
    session: item.sid,
    state: taskStates[core?.tc?.task_state ?? 0] ?? "",
    name: core?.tc?.comm ?? "",
    arguments: words(mm?.mm_arg_start, mm?.mm_arg_end),
    ...(environment ? { environment: words(mm?.mm_env_start, mm?.mm_env_end) } : {}),
    threads: item.threads.map((id) => ({
      id,
      name: closing(dump, `core-${id}.img`, () => dump.only(`core-${id}.img`, "core"))?.thread_core?.comm ?? "",
    })),
    users: claims.users,
    groups: claims.groups,
    capabilities: claims.capabilities,
    noNewPrivileges: claims.noNewPrivileges,
    seccomp: claims.seccomp,
    securityProfile: claims.securityProfile,
    mappedBytes: vmas.reduce((sum, { end, start }) => sum + Number(end - start), 0),
    memoryBytes: memory.sizeBytes,
    sharedBytes,
    mappings: vmas.map((vma) => mappingOf(vma, { memory, files, stackAt: mm?.mm_start_stack ?? 0n })),
    files: open.files,
  }
  dump.close(`pages-${memory.pagemap.pagesId}.img`)
  return { process, sockets: open.sockets }
}

const closing = <A>(dump: DumpFiles, name: string, read: () => A): A => {
  const value = read()
  dump.close(name)
  return value
}
