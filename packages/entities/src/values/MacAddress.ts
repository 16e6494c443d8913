/** Hardware addresses of interfaces. */

/** In six pairs with colons, lower case; undefined for a text that is no MAC address. Takes what Go's `net.ParseMAC` takes. */
export const parseMac = (text: string): string | undefined => {
  const pairs = /^([0-9a-f]{2})([:-])(?:[0-9a-f]{2}\2){4}[0-9a-f]{2}$/i.test(text)
  const quads = /^[0-9a-f]{4}\.[0-9a-f]{4}\.[0-9a-f]{4}$/i.test(text)
  if (!pairs && !quads) return undefined
  return text
    .toLowerCase()
    .replaceAll(/[^0-9a-f]/g, "")
    .replaceAll(/(..)(?=.)/g, "$1:")
}
