/** Options of `create` and `run`: the container that is wanted. */
import type { RuntimeName } from "../values/RuntimeName.ts"
import { healthDefaults } from "../values/HealthCheck.ts"
import { bool, type OptionValues, text, texts, unsigned } from "../Option.ts"
import { ContainerNetworkFlags } from "./ContainerNetworkFlags.ts"

export const CreateFlags = {
  name: text({ cli: "name", description: "Assign a name to the container" }),
  env: texts({ cli: "env", short: "e", description: "Set environment variables in container" }),
  workdir: text({ cli: "workdir", short: "w", description: "Working directory inside the container" }),
  hostname: text({ cli: "hostname", short: "h", description: "Set container hostname" }),
  user: text({ cli: "user", short: "u", description: "Username or UID (format: <name|uid>[:<group|gid>])" }),
  label: texts({ cli: "label", short: "l", description: "Set metadata on container" }),
  annotation: texts({ cli: "annotation", description: "Add annotations to container (key=value)" }),
  entrypoint: text({ cli: "entrypoint", description: "Overwrite the default ENTRYPOINT of the image" }),
  ...ContainerNetworkFlags,
  publishAll: bool({
    cli: "publish-all",
    short: "P",
    rest: "publish_image_ports",
    description: "Publish all exposed ports to random ports on the host interface",
  }),
  pod: text({
    cli: "pod",
    description: "Run container in an existing pod, or with new:NAME in one that is made for it",
  }),
  pid: text({ cli: "pid", rest: "pidns", description: "PID namespace to use: private, host, or container:<name|id>" }),
  ipc: text({
    cli: "ipc",
    rest: "ipcns",
    description: "IPC namespace to use: private, shareable, host, or container:<name|id>",
  }),
  uts: text({ cli: "uts", rest: "utsns", description: "UTS namespace to use: private, host, or container:<name|id>" }),
  autoRemove: bool({
    cli: "rm",
    rest: "remove",
    description: "Remove container and any anonymous unnamed volume associated with the container after exit",
  }),
  interactive: bool({
    cli: "interactive",
    short: "i",
    rest: "stdin",
    description: "Make STDIN available to the contained process",
  }),
  tty: bool({ cli: "tty", short: "t", rest: "terminal", description: "Allocate a pseudo-TTY for container" }),
  readOnly: bool({
    cli: "read-only",
    rest: "read_only_filesystem",
    description: "Make containers root filesystem read-only",
  }),
  privileged: bool({ cli: "privileged", description: "Give extended privileges to container" }),
  capAdd: texts({ cli: "cap-add", rest: "cap_add", description: "Add capabilities to the container" }),
  capDrop: texts({ cli: "cap-drop", rest: "cap_drop", description: "Drop capabilities from the container" }),
  shmSize: text({
    cli: "shm-size",
    rest: "shm_size",
    description: "Size of /dev/shm (format: <number>[<unit>])",
    fallback: "65536k",
  }),
  volume: texts({
    cli: "volume",
    short: "v",
    rest: "volumes",
    description: "Bind mount a volume into the container ([SOURCE:]DESTINATION[:OPTIONS])",
  }),
  mount: texts({
    cli: "mount",
    rest: "mounts",
    description: "Attach a filesystem mount to the container (type=bind|volume|tmpfs,...)",
  }),
  tmpfs: texts({ cli: "tmpfs", description: "Mount a temporary filesystem (`tmpfs`) into a container" }),
  volumesFrom: texts({
    cli: "volumes-from",
    rest: "volumes_from",
    description: "Mount volumes from the specified container(s)",
  }),
  imageVolume: text({
    cli: "image-volume",
    rest: "image_volume_mode",
    description: 'Tells how to handle the builtin image volumes ("anonymous", "tmpfs", "ignore")',
    fallback: "anonymous",
  }),
  readOnlyTmpfs: bool({
    cli: "read-only-tmpfs",
    rest: "read_write_tmpfs",
    description:
      "When running --read-only containers mount read-write tmpfs on /dev, /dev/shm, /run, /tmp and /var/tmp",
    fallback: true,
  }),
  ulimit: texts({ cli: "ulimit", rest: "r_limits", description: "Ulimit options (format: <type>=<soft>[:<hard>])" }),
  stopSignal: text({ cli: "stop-signal", rest: "stop_signal", description: "Signal to stop a container" }),
  stopTimeout: unsigned({
    cli: "stop-timeout",
    rest: "stop_timeout",
    description: "Timeout (in seconds) that containers stopped by user command have to exit",
    fallback: 10,
  }),
  restart: text({
    cli: "restart",
    rest: "restart_policy",
    description: 'Restart policy to apply when a container exits ("always"|"no"|"never"|"on-failure"|"unless-stopped")',
  }),
  healthCmd: text({
    cli: "health-cmd",
    aliases: ["healthcheck-command"],
    rest: "health_cmd",
    description: "set a healthcheck command for the container ('none' disables the existing healthcheck)",
  }),
  healthInterval: text({
    cli: "health-interval",
    aliases: ["healthcheck-interval"],
    rest: "health_interval",
    description: "set an interval for the healthcheck (a value of disable results in no automatic timer setup)",
    fallback: healthDefaults.interval,
  }),
  healthRetries: unsigned({
    cli: "health-retries",
    aliases: ["healthcheck-retries"],
    rest: "health_retries",
    description: "the number of retries allowed before a healthcheck is considered to be unhealthy",
    fallback: healthDefaults.retries,
  }),
  healthStartPeriod: text({
    cli: "health-start-period",
    aliases: ["healthcheck-start-period"],
    rest: "health_start_period",
    description: "the initialization time needed for a container to bootstrap",
    fallback: healthDefaults.startPeriod,
  }),
  healthTimeout: text({
    cli: "health-timeout",
    aliases: ["healthcheck-timeout"],
    rest: "health_timeout",
    description: "the maximum time allowed to complete the healthcheck before an interval is considered failed",
    fallback: healthDefaults.timeout,
  }),
  noHealthcheck: bool({
    cli: "no-healthcheck",
    rest: "no_healthcheck",
    description: "Disable healthchecks on container",
  }),
  pull: text({ cli: "pull", description: "Pull image policy (always, missing, never)", fallback: "missing" }),
}
export type CreateFlags = OptionValues<typeof CreateFlags>

/** The container that is wanted, its image and the words after it. */
export interface CreateOptions extends CreateFlags {
  readonly image: string
  /** Replaces the image's CMD when not empty. */
  readonly command: ReadonlyArray<string>
  /** The OCI runtime that runs it; the engine's own choice when absent. */
  readonly runtime?: RuntimeName
  /** The command line that asked for it, kept for `inspect`. */
  readonly createCommand?: ReadonlyArray<string>
}

export const RunFlags = {
  ...CreateFlags,
  detach: bool({ cli: "detach", short: "d", description: "Run container in background and print container ID" }),
}
export type RunFlags = OptionValues<typeof RunFlags>
