/** Options of the image commands, one struct each. */
import * as Result from "effect/Result"
import { OptionInvalid } from "../failures/ContainerFailures.ts"
import { bool, type OptionValues, text, texts } from "../Option.ts"

const tlsVerify = bool({
  cli: "tls-verify",
  rest: "tlsVerify",
  description: "Require HTTPS and verify certificates when contacting registries",
  fallback: true,
})

/** How a registry is reached; passed on to skopeo. */
const registry = {
  tlsVerify,
  authfile: text({ cli: "authfile", description: "Path of the authentication file" }),
  creds: text({
    cli: "creds",
    rest: "credentials",
    description: "Credentials (USERNAME:PASSWORD) to use for authenticating to a registry",
  }),
  quiet: bool({ cli: "quiet", short: "q", description: "Suppress output information when moving images" }),
}

export const PullFlags = registry
export const PushFlags = {
  ...registry,
  compressionFormat: text({
    cli: "compression-format",
    rest: "compressionFormat",
    description: "Compression format to use (gzip, zstd)",
  }),
}

const pullPolicies = ["missing", "always", "newer", "never"] as const
export type PullPolicy = (typeof pullPolicies)[number]

/** When a base image is asked of its registry; Podman's words. */
export const pullPolicyOf = (text: string): Result.Result<PullPolicy, OptionInvalid> => {
  const policy = pullPolicies.find((known) => known === text)
  if (policy !== undefined) return Result.succeed(policy)
  return Result.fail(
    new OptionInvalid({ option: "pull", value: text, problem: `must be one of ${pullPolicies.join(", ")}` }),
  )
}

export const BuildFlags = {
  file: texts({
    cli: "file",
    short: "f",
    rest: "dockerfile",
    description:
      "Pathname of a Containerfile; - for standard input (default Containerfile or Dockerfile in the context)",
  }),
  tag: texts({ cli: "tag", short: "t", rest: "t", description: "Tagged name to apply to the built image" }),
  buildArg: texts({
    cli: "build-arg",
    rest: "buildargs",
    description: "Value for an ARG instruction (argument=value)",
  }),
  label: texts({ cli: "label", rest: "labels", description: "Set metadata for the image (key=value)" }),
  target: text({ cli: "target", description: "Set the target build stage to build" }),
  noCache: bool({
    cli: "no-cache",
    rest: "nocache",
    description: "Do not use layers of another stage again. Nothing is kept from one build to the next",
  }),
  pull: text({
    cli: "pull",
    rest: "pullpolicy",
    description: "Pull image policy (always, missing, never, newer)",
    fallback: "missing",
    bare: "missing",
  }),
  squash: bool({ cli: "squash", description: "Squash newly built layers into one" }),
  quiet: bool({
    cli: "quiet",
    short: "q",
    rest: "q",
    description: "Refrain from announcing build instructions and image read/write progress",
  }),
  iidfile: text({ cli: "iidfile", description: "File to write the image ID to" }),
  layers: bool({ cli: "layers", description: "No effect: every instruction makes a layer", fallback: true }),
  rm: bool({ cli: "rm", description: "No effect: intermediate containers never stay", fallback: true }),
  forceRm: bool({ cli: "force-rm", description: "No effect: intermediate containers never stay", fallback: true }),
  tlsVerify,
}

export const ImportFlags = {
  change: texts({
    cli: "change",
    short: "c",
    rest: "changes",
    description:
      "Apply the following possible instructions to the created image: CMD | ENTRYPOINT | ENV | EXPOSE | LABEL | STOPSIGNAL | USER | WORKDIR",
  }),
  message: text({ cli: "message", short: "m", description: "Set commit message for imported image" }),
  quiet: bool({ cli: "quiet", short: "q", description: "Suppress output" }),
}

export const LoadFlags = {
  input: text({ cli: "input", short: "i", description: "Load images from specified tar archive file" }),
  quiet: bool({ cli: "quiet", short: "q", description: "Suppress the output" }),
}

export const SaveFlags = {
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
}

export const ImageRemoveFlags = {
  all: bool({ cli: "all", short: "a", description: "Remove all images" }),
  force: bool({ cli: "force", short: "f", description: "Force Removal of the image" }),
  ignore: bool({ cli: "ignore", short: "i", description: "Ignore errors if a specified image does not exist" }),
}

export const ImageListFlags = {
  all: bool({ cli: "all", short: "a", description: "Show all images (default hides intermediate images)" }),
  filter: texts({
    cli: "filter",
    short: "f",
    rest: "filters",
    description: "Filter output based on conditions provided",
  }),
}

export type PullFlags = OptionValues<typeof PullFlags>
export type PushFlags = OptionValues<typeof PushFlags>
export type BuildFlags = OptionValues<typeof BuildFlags>
export type ImportFlags = OptionValues<typeof ImportFlags>
export type LoadFlags = OptionValues<typeof LoadFlags>
export type SaveFlags = OptionValues<typeof SaveFlags>
export type ImageRemoveFlags = OptionValues<typeof ImageRemoveFlags>
export type ImageListFlags = OptionValues<typeof ImageListFlags>
