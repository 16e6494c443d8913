/** Where cryopod answers otherwise than Podman 5.4.2 on purpose. A step that no longer differs has no place here. */

export type Stream = "stdout" | "stderr" | "status"

export interface Difference {
  readonly streams: ReadonlyArray<Stream>
  /** What the exit status must be where it is another one. */
  readonly status?: string
  readonly why: string
}

const differs = (why: string, how: Omit<Difference, "why">, ...steps: ReadonlyArray<string>) =>
  steps.map((step) => [step, { ...how, why }] as const)

const stdout = { streams: ["stdout"] } as const
const stderr = { streams: ["stderr"] } as const

export const differences: ReadonlyMap<string, Difference> = new Map<string, Difference>([
  ...differs(
    "the progress of a copy is shown on a terminal alone",
    stderr,
    "podman load --input=$BASE",
    "podman save -o $W/base.tar base",
    "podman save --format oci-archive -o $W/base.oci base",
    "podman image save -o $W/base2.tar base",
    "podman image load -i $W/base2.tar",
  ),
  ...differs(
    "memory tracking is asked for before a runtime is called; Podman's own text where its check finds none",
    stderr,
    "podman container checkpoint -P web",
    "podman container checkpoint --with-previous web",
  ),
  ...differs(
    "as later versions of Podman: --publish is refused for a container in place, --tcp-close is known",
    stderr,
    "podman container restore --publish 80:80 web",
    "podman container restore --tcp-close web",
  ),
  ...differs(
    "CRIU's own options, and of restore --tcp-close, --policy and --volume, are options, too",
    stdout,
    "podman container checkpoint --help | grep -oE -- '(-., | {4})--[a-z-]+( string)?'",
    "podman container restore --help | grep -oE -- '(-., | {4})--[a-z-]+( strings?)?'",
  ),
  ...differs(
    "which container has the id is said, and what to do",
    stderr,
    "podman container restore -i $W/web.tar.zst # in use",
    "podman container restore -i $W/web.tar.gz",
    "podman container restore frozen # in use",
  ),
  ...differs(
    "directories that changed travel with what is in them, with their times and owners",
    stdout,
    "podman diff web # imported",
  ),
  ...differs(
    "an image does not decide that it is restored (SCOPE); Podman 5.8 refuses it, too",
    { streams: ["stderr", "status"], status: "125" },
    "podman run --rm --network none frozen",
  ),
  ...differs(
    "a container that goes when it stops can leave as an image, too",
    stderr,
    "podman container checkpoint gone",
  ),
  ...differs(
    "CRIU's own error and its remedy stand in the message",
    stderr,
    "podman container checkpoint locked",
    "podman container checkpoint tcp",
    "podman container restore tcp",
  ),
  ...differs(
    "what crun leaves of a restore that failed is removed, so that the next one can succeed",
    { streams: ["stdout", "stderr", "status"], status: "0" },
    "podman container restore --tcp-established tcp",
  ),
  ...differs(
    "file locks that a restore would lose are a refusal; Podman loses them",
    { streams: ["stdout", "stderr", "status"], status: "125" },
    "podman container restore locked",
  ),
  ...differs(
    "the container still waits for its locks, where Podman's runs without them",
    { streams: ["stdout", "stderr", "status"], status: "0" },
    "podman container restore --file-locks locked",
  ),
  ...differs(
    "a connection that failed is taken back; Podman has it half and stumbles over it",
    { streams: ["stdout", "stderr", "status"], status: "0" },
    "podman rm -f -t 0 joins # after a connection that failed",
  ),
])
