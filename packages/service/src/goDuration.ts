import { parseGoDuration } from "@cryopod/entities"

/** Milliseconds of a duration as Go writes it; undefined for a text that is no duration of at least nothing. */
export const goDuration = (text: string): number | undefined => {
  const millis = parseGoDuration(text)
  return typeof millis === "number" && millis >= 0 ? millis : undefined
}
