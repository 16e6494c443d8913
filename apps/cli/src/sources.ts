/** Sources of mounts as they are meant where a command is typed: a relative path lies in the working directory. */
import { resolve } from "node:path"

/** `./data:/data`: a source that begins with a dot is a path, any other without a slash in front the name of a volume. */
export const volumeFromHere = (text: string, directory: string): string => {
  const colon = text.indexOf(":")
  return text.startsWith(".") && colon > 0 ? `${resolve(directory, text.slice(0, colon))}${text.slice(colon)}` : text
}

/** The source of a bind mount is a path in any case. */
export const mountFromHere = (text: string, directory: string): string =>
  /(?:^|,)type=bind(?:,|$)/.test(text)
    ? text.replace(
        /((?:^|,)"?(?:src|source)=)([^/,"][^,"]*)/,
        (_, key: string, path: string) => `${key}${resolve(directory, path)}`,
      )
    : text
