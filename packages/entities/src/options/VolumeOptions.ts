/** Options of the volume commands, one struct each. */
import { bool, integer, type OptionValues, text, texts } from "../Option.ts"

export const VolumeCreateFlags = {
  driver: text({
    cli: "driver",
    short: "d",
    rest: "Driver",
    description: "Specify volume driver name",
    fallback: "local",
  }),
  ignore: bool({ cli: "ignore", rest: "IgnoreIfExists", description: "Don't fail if volume already exists" }),
  label: texts({ cli: "label", short: "l", rest: "Label", description: "Set metadata for a volume" }),
  opt: texts({ cli: "opt", short: "o", rest: "Options", description: "Set driver specific options" }),
}
export type VolumeCreateFlags = OptionValues<typeof VolumeCreateFlags>

export interface VolumeCreateOptions extends VolumeCreateFlags {
  /** The empty text asks for a random name. */
  readonly name: string
}

export const VolumeListFlags = {
  filter: texts({ cli: "filter", short: "f", rest: "filters", description: "Filter volume output" }),
}
export type VolumeListFlags = OptionValues<typeof VolumeListFlags>

export const VolumeRemoveFlags = {
  all: bool({ cli: "all", short: "a", description: "Remove all volumes" }),
  force: bool({
    cli: "force",
    short: "f",
    description: "Remove a volume by force, even if it is being used by a container",
  }),
  time: integer({
    cli: "time",
    short: "t",
    rest: "timeout",
    description: "Seconds to wait for running containers to stop before killing the container",
    fallback: 10,
  }),
}
export type VolumeRemoveFlags = OptionValues<typeof VolumeRemoveFlags>

export const VolumePruneFlags = {
  filter: texts({
    cli: "filter",
    rest: "filters",
    description: "Provide filter values (e.g. 'label=<key>=<value>')",
  }),
}
export type VolumePruneFlags = OptionValues<typeof VolumePruneFlags>
