/** `key=value` texts as the maps that documents have, and back. */

/** The last one of a key counts; a key by itself has the empty value. */
export const mapOfTexts = (texts: ReadonlyArray<string>): Readonly<Record<string, string>> =>
  Object.fromEntries(
    texts.map((text) => {
      const at = text.indexOf("=")
      return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)]
    }),
  )

export const textsOfMap = (map: Readonly<Record<string, string>> | null | undefined): ReadonlyArray<string> =>
  Object.entries(map ?? {}).map(([key, value]) => `${key}=${value}`)
