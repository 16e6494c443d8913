/** The socket that systemd listens on for us (sd_listen_fds(3)). */

/** Number of the first descriptor that is handed over. */
const firstDescriptor = 3

/** Its descriptor, when the words are meant for this very process and there is one socket. */
export const inheritedSocket = (
  environment: Readonly<Record<string, string | undefined>>,
  pid: number,
): number | undefined =>
  environment["LISTEN_PID"] === String(pid) && Number(environment["LISTEN_FDS"]) >= 1 ? firstDescriptor : undefined
