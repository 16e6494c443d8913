/**
 * The unit of systemd that watches a container.
 *
 * Units for Podman's containers name themselves in a label (podman-generate-systemd(1)) and have conmon for their main process.
 * conmon ends as the container does, and CRIU kills what it has dumped: to such a unit a checkpoint is a failure.
 */
import type { Plan } from "./preflight.ts"

const label = "PODMAN_SYSTEMD_UNIT"

/** A sentence about the unit of a container that a checkpoint stops. */
export const watchingUnit = ({ options, record }: Plan): ReadonlyArray<string> => {
  const unit = record.config.labels[label]
  return unit === undefined || options.leaveRunning
    ? []
    : [`${record.name} is watched by ${unit}, which starts it again unless it has SuccessExitStatus=137`]
}
