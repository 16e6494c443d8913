/** The files that CRIU writes memory to (CRIU 4.2 `criu/image-desc.c`). */

/** The number of a file with pages; undefined for other files. */
export const pagesNumber = (name: string): number | undefined => {
  const number = /^pages-([1-9]\d*)\.img$/.exec(name)?.[1]
  return number === undefined ? undefined : Number(number)
}
