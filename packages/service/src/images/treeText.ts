/** An image's layers as a drawing, as Podman's service sends it. */
import type { ImageTree } from "@cryopod/entities"

const size = (bytes: number): string => {
  let value = bytes
  let unit = "B"
  for (const next of ["kB", "MB", "GB", "TB"]) {
    if (value < 1000) break
    value /= 1000
    unit = next
  }
  return `${Number(value.toPrecision(4))}${unit}`
}

export const treeText = ({ Id: id, Layers: layers, Size: bytes, Tags: tags }: ImageTree): string =>
  [
    `Image ID: ${id.slice(0, 12)}`,
    `Tags:     [${tags.join(" ")}]`,
    `Size:     ${size(bytes)}`,
    "Image Layers",
    ...layers.map(({ diffId, sizeBytes, tags: tops }, at) => {
      const branch = at === layers.length - 1 ? "└──" : "├──"
      const top = tops.length === 0 ? "" : ` Top Layer of: [${tops.join(" ")}]`
      return `${branch} ID: ${diffId.replace("sha256:", "").slice(0, 12)} Size: ${size(sizeBytes).padStart(7)}${top}`
    }),
    "",
  ].join("\n")
