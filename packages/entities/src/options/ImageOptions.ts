/** Options of the image commands, one struct each. */
import * as Schema from "effect/Schema"
import { bool, text, texts } from "../Option.ts"

/** How a registry is reached; passed on to skopeo. */
const registry = {
  tlsVerify: bool({
    cli: "tls-verify",
    rest: "tlsVerify",
    description: "Require HTTPS and verify certificates when contacting registries",
    fallback: true,
  }),
  authfile: text({ cli: "authfile", description: "Path of the authentication file" }),
  creds: text({
    cli: "creds",
    rest: "credentials",
    description: "Credentials (USERNAME:PASSWORD) to use for authenticating to a registry",
  }),
  quiet: bool({ cli: "quiet", short: "q", description: "Suppress output information when moving images" }),
}

export const PullFlags = Schema.Struct(registry)
export const PushFlags = Schema.Struct({
  ...registry,
  compressionFormat: text({
    cli: "compression-format",
    rest: "compressionFormat",
    description: "Compression format to use (gzip, zstd)",
  }),
})

export const ImportFlags = Schema.Struct({
  change: texts({
    cli: "change",
    short: "c",
    rest: "changes",
    description:
      "Apply the following possible instructions to the created image: CMD | ENTRYPOINT | ENV | EXPOSE | LABEL | STOPSIGNAL | USER | WORKDIR",
  }),
  message: text({ cli: "message", short: "m", description: "Set commit message for imported image" }),
  quiet: bool({ cli: "quiet", short: "q", description: "Suppress output" }),
})

export const LoadFlags = Schema.Struct({
  input: text({ cli: "input", short: "i", description: "Load images from specified tar archive file" }),
  quiet: bool({ cli: "quiet", short: "q", description: "Suppress the output" }),
})

export const SaveFlags = Schema.Struct({
  output: text({
    cli: "output",
    short: "o",
    description: "Write to a specified file (default: stdout, which must be redirected)",
  }),
  format: text({
    cli: "format",
    description: "Save image to oci-archive, oci-dir, docker-archive",
    fallback: "docker-archive",
  }),
  quiet: bool({ cli: "quiet", short: "q", description: "Suppress the output" }),
})

export const ImageRemoveFlags = Schema.Struct({
  all: bool({ cli: "all", short: "a", description: "Remove all images" }),
  force: bool({ cli: "force", short: "f", description: "Force Removal of the image" }),
  ignore: bool({ cli: "ignore", short: "i", description: "Ignore errors if a specified image does not exist" }),
})

export const ImageListFlags = Schema.Struct({
  all: bool({ cli: "all", short: "a", description: "Show all images (default hides intermediate images)" }),
  filter: texts({
    cli: "filter",
    short: "f",
    rest: "filters",
    description: "Filter output based on conditions provided",
  }),
})

export type PullFlags = typeof PullFlags.Type
export type PushFlags = typeof PushFlags.Type
export type ImportFlags = typeof ImportFlags.Type
export type LoadFlags = typeof LoadFlags.Type
export type SaveFlags = typeof SaveFlags.Type
export type ImageRemoveFlags = typeof ImageRemoveFlags.Type
export type ImageListFlags = typeof ImageListFlags.Type
