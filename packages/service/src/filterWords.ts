/** Filters of a query, as the command line writes them. */
export const filterWords = (
  filters: Readonly<Record<string, ReadonlyArray<string>>> | undefined,
): ReadonlyArray<string> =>
  Object.entries(filters ?? {}).flatMap(([name, values]) =>
    values.length === 0 ? [name] : values.map((value) => `${name}=${value}`),
  )
