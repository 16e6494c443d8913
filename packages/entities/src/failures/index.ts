/**
 * One list of failures per kind of operation: engines' types, reports and REST endpoints all come from these lists, so
 * that a failure named here has the same class in process and over the wire.
 */
import * as C from "./ContainerFailures.ts"
import * as K from "./CheckpointFailures.ts"
import * as H from "./HostFailures.ts"
import * as I from "./ImageFailures.ts"
import * as N from "./NetworkFailures.ts"
import * as M from "./MountFailures.ts"
import { OptionConflict } from "./OptionConflict.ts"
import * as S from "./ServiceFailures.ts"
import * as V from "./VolumeFailures.ts"
import * as P from "./PodFailures.ts"

export * from "./CheckpointFailures.ts"
export * from "./ContainerFailures.ts"
export * from "./HostFailures.ts"
export * from "./ImageFailures.ts"
export * from "./NetworkFailures.ts"
export * from "./MountFailures.ts"
export * from "./OptionConflict.ts"
export * from "./ServiceFailures.ts"
export * from "./VolumeFailures.ts"
export * from "./PodFailures.ts"

type InstanceOf<Classes extends ReadonlyArray<abstract new (...fields: Array<never>) => unknown>> = InstanceType<
  Classes[number]
>

/** The service between us and the engine's host stood in the way. */
const serviceFailures = [S.EngineUnreachable, S.ApiVersionMismatch, S.NotSupported, S.ServiceFailure] as const

/** The host stood in the way, or the way to it: may come with any operation. */
export const hostFailures = [
  H.PrivilegeMissing,
  H.ToolMissing,
  H.ToolFailed,
  H.StorageFailed,
  H.SpaceMissing,
  H.DatabaseFailed,
  ...serviceFailures,
] as const
export type HostFailure = InstanceOf<typeof hostFailures>
export const isHostFailure = (failure: unknown): failure is HostFailure =>
  hostFailures.some((known) => failure instanceof known)

/** A name or id does not lead to exactly one container. */
export const lookupFailures = [C.ContainerNotFound, C.ContainerAmbiguous, C.NoContainers] as const
export type LookupFailure = InstanceOf<typeof lookupFailures>

/** An operation on one container was refused or failed. */
export const containerFailures = [
  ...lookupFailures,
  C.ContainerStateImproper,
  C.NameInUse,
  C.NameInvalid,
  C.SignalInvalid,
  C.OptionInvalid,
  C.ContainerOptionInvalid,
  C.FilterInvalid,
  C.CommandNotStarted,
  C.UserUnknown,
  C.WorkdirUnfit,
  C.HealthcheckRefused,
  P.InfraRemovalRefused,
  P.ContainerHasDependents,
  P.DependencyCheckpointed,
  P.PodContainersRunning,
  ...hostFailures,
] as const
export type ContainerFailure = InstanceOf<typeof containerFailures>

/** An operation on one image was refused or failed. */
export const imageFailures = [
  I.ImageNotFound,
  I.ImageAmbiguous,
  I.ReferenceInvalid,
  I.ImageInUse,
  I.ImageHasNames,
  I.ImageInvalid,
  I.TransportFailed,
  I.BuildFailed,
  I.ContainerfileMissing,
  I.MemberUnsafe,
  I.ArchiveInvalid,
  C.OptionInvalid,
  ...hostFailures,
] as const
export type ImageFailure = InstanceOf<typeof imageFailures>

/** An operation on one volume was refused or failed. */
export const volumeFailures = [
  V.VolumeNotFound,
  V.VolumeAmbiguous,
  V.VolumeExists,
  V.VolumeNameInvalid,
  V.VolumeInUse,
  V.VolumeOptionInvalid,
  V.VolumeMountFailed,
  V.VolumeFilterInvalid,
  ...hostFailures,
] as const
export type VolumeFailure = InstanceOf<typeof volumeFailures>

/** An operation on one network was refused or failed. */
export const networkFailures = [
  N.NetworkNotFound,
  N.NetworkAmbiguous,
  N.NetworkExists,
  N.NetworkInUse,
  N.NetworkProtected,
  N.NetworkDefinitionInvalid,
  N.NetworkFilterInvalid,
  ...hostFailures,
] as const
export type NetworkFailure = InstanceOf<typeof networkFailures>

/** A container cannot have the place on its networks that it asks for. */
export const placementFailures = [
  N.NetworkNotFound,
  N.NetworkAmbiguous,
  N.AddressInUse,
  N.AddressOutside,
  N.AddressesExhausted,
  N.PortInUse,
  N.PortUnavailable,
  N.NetworkOptionInvalid,
  ...hostFailures,
] as const
export type PlacementFailure = InstanceOf<typeof placementFailures>

/** A container cannot be put on a network, or taken off it. */
export const connectionFailures = [
  ...placementFailures,
  ...lookupFailures,
  N.NetworkConnected,
  N.NetworkNotConnected,
  N.NetworkModeRefused,
] as const
export type ConnectionFailure = InstanceOf<typeof connectionFailures>

/** A name or id does not lead to exactly one pod. */
export const podLookupFailures = [P.PodNotFound, P.PodAmbiguous, P.NoPods] as const

export const createFailures = [
  ...containerFailures,
  ...imageFailures,
  ...placementFailures,
  ...podLookupFailures,
  P.PodNameInUse,
  P.PodOptionInvalid,
  P.NamespaceModeInvalid,
  P.NamespaceOwnerMissing,
  P.NamespaceRefused,
  ...volumeFailures,
  M.MountInvalid,
  M.BindSourceMissing,
  H.RuntimeUnknown,
  M.VolumesOwnerMissing,
] as const
export type CreateFailure = InstanceOf<typeof createFailures>

/** An operation on one pod was refused or failed. */
export const podFailures = [...createFailures, P.PodFilterInvalid, P.PodEmpty, P.PodPartlyFailed] as const
export type PodFailure = InstanceOf<typeof podFailures>

export const checkpointFailures = [
  ...containerFailures,
  ...imageFailures,
  K.DumpFailed,
  K.ProcessStopped,
  K.CheckpointAborted,
  K.AutoRemoveRefused,
  P.InfraCheckpointRefused,
  P.PidNamespaceShared,
  P.DependentExportRefused,
  K.MemoryTrackingMissing,
  K.PreCheckpointMissing,
  K.CriuUnfit,
  V.VolumeNotFound,
] as const
export type CheckpointFailure = InstanceOf<typeof checkpointFailures>

/** A checkpoint cannot be looked into. */
export const checkpointViewFailures = [
  ...lookupFailures,
  ...imageFailures,
  K.NoSuchContainerOrImage,
  K.CheckpointMissing,
  K.CheckpointInvalid,
  K.NotACheckpoint,
  K.PolicyFileInvalid,
  H.RuntimeUnknown,
  K.ProcessNotFound,
] as const
export type CheckpointViewFailure = InstanceOf<typeof checkpointViewFailures>

export const restoreFailures = [
  ...containerFailures,
  ...imageFailures,
  ...placementFailures,
  ...volumeFailures,
  V.VolumeRestoreRefused,
  M.MountInvalid,
  M.BindSourceMissing,
  C.ContainerIdInUse,
  K.NoSuchContainerOrImage,
  K.RestoreFailed,
  K.RestoreRefused,
  K.PolicyFileInvalid,
  K.HostUnfit,
  K.CheckpointMissing,
  K.FileLocksRefused,
  K.CheckpointInvalid,
  K.NotACheckpoint,
  K.RuntimeMismatch,
  H.RuntimeUnknown,
  K.ArchitectureMismatch,
  K.BaseImageMissing,
  ...podLookupFailures,
  P.PodRestoreRefused,
  P.IpcObjectTaken,
  OptionConflict,
  K.CriuUnfit,
] as const
export type RestoreFailure = InstanceOf<typeof restoreFailures>
