/**
 * Which memory a dump takes, told while it goes on.
 *
 * CRIU writes the pages of one task after the other, the first to `pages-1.img`, and says in its log which task is
 * next when that already stands still. What it will take of a task is then what the kernel counts as the task's own.
 * Sources: CRIU 4.2 `criu/mem.c` (`parasite_dump_pages_seized`, `should_dump_page`), `criu/image-desc.c`; proc_pid_smaps(5).
 */

/** Name of the file with the pages of the task that was dumped as the nth, counted from 1. */
export const pagesFile = (nth: number): string => `pages-${nth}.img`

/** The number of a file with pages; undefined for other files. */
export const pagesNumber = (name: string): number | undefined => {
  const number = /^pages-([1-9]\d*)\.img$/.exec(name)?.[1]
  return number === undefined ? undefined : Number(number)
}

/** Tasks whose pages the log says to have come to, in their order, as the host numbers them. */
export const dumpedTasks = (log: string): ReadonlyArray<number> =>
  [...log.matchAll(/ Dumping pages \(type: \d+ pid: (\d+)\)$/gm)].map(([, pid]) => Number(pid))

/**
 * Bytes that CRIU will take of a task that stands still, from `/proc/PID/smaps`: pages of its own, in memory or swapped
 * out, and the whole of the kernel's code in it (`[vdso]`).
 */
export const dumpedBytes = (smaps: string): number => {
  let bytes = 0
  let place: { readonly name: string; readonly sizeBytes: number } = { name: "", sizeBytes: 0 }
  for (const line of smaps.split("\n")) {
    const area = /^([\da-f]+)-([\da-f]+) \S+ \S+ \S+ \S+ *(.*)$/.exec(line)
    if (area !== null) {
      const [from, to] = [area[1], area[2]].map((text) => Number.parseInt(text ?? "", 16))
      place = { name: area[3] ?? "", sizeBytes: (to ?? 0) - (from ?? 0) }
      if (place.name === "[vdso]") bytes += place.sizeBytes
    } else if (!kernelAreas.has(place.name)) {
      bytes += Number(/^(?:Anonymous|Swap): +(\d+) kB$/.exec(line)?.[1] ?? 0) * 1024
    }
  }
  return bytes
}

/** What the kernel puts into every task; only the code is dumped, above. */
const kernelAreas = new Set(["[vdso]", "[vvar]", "[vvar_vclock]", "[vsyscall]", "[uprobes]"])
