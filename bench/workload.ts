/** What the containers do: hold memory, half of it random, in one process, and count to show that they go on. */

/**
 * dd reads one block of the wanted size and then cannot get rid of it, because nobody reads the pipe. The line `ready`
 * tells that the memory is there.
 */
export const holding = (mebibytes: number): ReadonlyArray<string> => [
  "sh",
  "-c",
  `{ head -c ${mebibytes * 2 ** 19} /dev/urandom; head -c ${mebibytes * 2 ** 19} /dev/zero | tr '\\0' x; } |
     dd bs=${mebibytes}M count=1 iflag=fullblock 2>/dev/null | sleep 100000 &
   until [ "$(awk '/VmRSS/ { print ($2 > ${mebibytes * 1024}) }' /proc/$(pidof dd)/status)" = 1 ]; do sleep 0.05; done
   sleep 0.3; echo ready; while :; do sleep 1; echo on; done`,
]

/** A container that does next to nothing. */
export const idle: ReadonlyArray<string> = ["sh", "-c", "echo ready; while :; do sleep 1; echo on; done"]
