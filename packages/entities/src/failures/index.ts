/** One union of failures per kind of operation; engines, reports and endpoints use the same. */
import type * as C from "./ContainerFailures.ts"
import type * as K from "./CheckpointFailures.ts"
import type * as H from "./HostFailures.ts"
import type * as I from "./ImageFailures.ts"
import type { OptionConflict } from "./OptionConflict.ts"

export * from "./CheckpointFailures.ts"
export * from "./ContainerFailures.ts"
export * from "./HostFailures.ts"
export * from "./ImageFailures.ts"
export * from "./OptionConflict.ts"

/** The host stood in the way: may come with any operation. */
export type HostFailure =
  | H.PrivilegeMissing
  | H.ToolMissing
  | H.ToolFailed
  | H.StorageFailed
  | H.SpaceMissing
  | H.DatabaseFailed

/** A name or id does not lead to exactly one container. */
export type LookupFailure = C.ContainerNotFound | C.ContainerAmbiguous | C.NoContainers

/** An operation on one container was refused or failed. */
export type ContainerFailure =
  | LookupFailure
  | C.ContainerStateImproper
  | C.NameInUse
  | C.NameInvalid
  | C.SignalInvalid
  | C.OptionInvalid
  | C.CommandNotStarted
  | HostFailure

/** An operation on one image was refused or failed. */
export type ImageFailure =
  | I.ImageNotFound
  | I.ImageAmbiguous
  | I.ReferenceInvalid
  | I.ImageInUse
  | I.ImageHasNames
  | I.ImageInvalid
  | I.TransportFailed
  | I.MemberUnsafe
  | I.ArchiveInvalid
  | C.OptionInvalid
  | HostFailure

export type CreateFailure = ContainerFailure | ImageFailure

export type CheckpointFailure =
  | ContainerFailure
  | ImageFailure
  | K.DumpFailed
  | K.CheckpointAborted
  | K.AutoRemoveRefused
  | K.MemoryTrackingMissing
  | K.CriuUnfit

export type RestoreFailure =
  | ContainerFailure
  | ImageFailure
  | C.ContainerIdInUse
  | K.NoSuchContainerOrImage
  | K.RestoreFailed
  | K.CheckpointMissing
  | K.CheckpointInvalid
  | K.NotACheckpoint
  | K.RuntimeMismatch
  | K.ArchitectureMismatch
  | K.BaseImageMissing
  | OptionConflict
  | K.CriuUnfit
