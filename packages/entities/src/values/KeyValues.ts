/** Texts of the form `key=value`, as command lines and documents have them. Pure. */

/** A key by itself has the empty value. */
export const splitPair = (text: string): readonly [key: string, value: string] => {
  const equals = text.indexOf("=")
  return equals < 0 ? [text, ""] : [text.slice(0, equals), text.slice(equals + 1)]
}

/** The last one of a key counts. */
export const keyValues = (texts: ReadonlyArray<string>): Readonly<Record<string, string>> =>
  Object.fromEntries(texts.map(splitPair))

/** And back. */
export const pairTexts = (values: Readonly<Record<string, string>> | null | undefined): ReadonlyArray<string> =>
  Object.entries(values ?? {}).map(([key, value]) => `${key}=${value}`)
