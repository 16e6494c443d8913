/**
 * What the state database keeps of images: enough to list and find them without reading a document.
 *
 * An image's id is the hexadecimal digest of its configuration. A name belongs to one image at a time.
 */
import type { BlockCompression, Measured } from "@cryopod/archive"
import type { Prepare } from "@cryopod/host"

export const imageTables = `
create table if not exists images (
  id text primary key,
  manifest_digest text not null,
  created text not null,
  created_seconds integer not null,
  facts text not null
) strict;
create table if not exists image_names (
  name text primary key,
  image_id text not null references images(id) on delete cascade
) strict;
create table if not exists compressed_layers (
  image_id text not null references images(id) on delete cascade,
  compression text not null,
  diff_id text not null,
  digest text not null,
  size_bytes integer not null,
  primary key (image_id, compression, diff_id)
) strict`

export interface StoredLayer {
  /** Of the blob, as the manifest has it. */
  readonly digest: string
  readonly mediaType: string
  readonly sizeBytes: number
  /** Of the uncompressed content. */
  readonly diffId: string
}

/** An image of the store, as it was when it was asked for. */
export interface StoredImage {
  /** Digest of the configuration, 64 hexadecimal digits. */
  readonly id: string
  readonly manifestDigest: string
  /** RFC 3339, as the configuration has it; Unix time 0 when it says nothing. */
  readonly created: string
  readonly createdSeconds: number
  /** Full names, the last given first; `repository@digest` for one that was pulled by digest. */
  readonly names: ReadonlyArray<string>
  readonly architecture: string
  readonly os: string
  readonly manifestType: string
  readonly manifestSizeBytes: number
  readonly annotations: Readonly<Record<string, string>>
  readonly labels: Readonly<Record<string, string>>
  /** From the lowest to the topmost. */
  readonly layers: ReadonlyArray<StoredLayer>
  /**
   * Layer blobs as the manifest has them, whether they are there or can be produced, and the documents as
   * containers/storage counts them: the manifest twice.
   */
  readonly sizeBytes: number
}

type Facts = Omit<StoredImage, "id" | "manifestDigest" | "created" | "createdSeconds" | "names">

interface ImageRow {
  readonly id: string
  readonly manifest_digest: string
  readonly created: string
  readonly created_seconds: number
  readonly facts: string
}

const imageOf = (row: ImageRow, names: ReadonlyArray<string>): StoredImage => ({
  id: row.id,
  manifestDigest: row.manifest_digest,
  created: row.created,
  createdSeconds: row.created_seconds,
  names,
  ...(JSON.parse(row.facts) as Facts),
})

const namesOf = (prepare: Prepare, id: string): ReadonlyArray<string> =>
  prepare("select name from image_names where image_id = ? order by rowid desc")
    .all(id)
    .map((row) => String(row["name"]))

/** Newest first; among images of one second, by id. */
export const selectImages = (prepare: Prepare): ReadonlyArray<StoredImage> =>
  prepare("select * from images order by created_seconds desc, created desc, id")
    .all()
    .map((row) => imageOf(row as unknown as ImageRow, namesOf(prepare, String(row["id"]))))

export const selectImage = (prepare: Prepare, id: string): StoredImage | undefined => {
  const row = prepare("select * from images where id = ?").get(id) as ImageRow | undefined
  return row === undefined ? undefined : imageOf(row, namesOf(prepare, id))
}

/** A second manifest of the same configuration takes the place of the first. */
export const upsertImage = (prepare: Prepare, image: StoredImage): void => {
  const { id, manifestDigest, created, createdSeconds, names, ...facts } = image
  prepare(
    `insert into images values (?, ?, ?, ?, ?) on conflict (id) do update set
     manifest_digest = excluded.manifest_digest, created = excluded.created,
     created_seconds = excluded.created_seconds, facts = excluded.facts`,
  ).run(id, manifestDigest, created, createdSeconds, JSON.stringify(facts satisfies Facts))
  for (const name of names) assignName(prepare, id, name)
}

/** The name moves here from wherever it was, and is the last given. */
export const assignName = (prepare: Prepare, id: string, name: string): void => {
  prepare("delete from image_names where name = ?").run(name)
  prepare("insert into image_names values (?, ?)").run(name, id)
}

export const deleteName = (prepare: Prepare, id: string, name: string): boolean =>
  prepare("delete from image_names where name = ? and image_id = ?").run(name, id).changes > 0

export const deleteImage = (prepare: Prepare, id: string): void => {
  prepare("delete from images where id = ?").run(id)
}

/** What the layers of an image were when they were last brought somewhere with a compression, by their diffIDs. */
export const selectCompressed = (
  prepare: Prepare,
  imageId: string,
  compression: BlockCompression,
): ReadonlyMap<string, Measured> =>
  new Map(
    prepare("select diff_id, digest, size_bytes from compressed_layers where image_id = ? and compression = ?")
      .all(imageId, compression)
      .map(({ diff_id, digest, size_bytes }) => [
        String(diff_id),
        { digest: String(digest), sizeBytes: Number(size_bytes) },
      ]),
  )

export const upsertCompressed = (
  prepare: Prepare,
  imageId: string,
  compression: BlockCompression,
  layers: ReadonlyMap<string, Measured>,
): void => {
  const put = prepare("insert or replace into compressed_layers values (?, ?, ?, ?, ?)")
  for (const [diffId, { digest, sizeBytes }] of layers) put.run(imageId, compression, diffId, digest, sizeBytes)
}
