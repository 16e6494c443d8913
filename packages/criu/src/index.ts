/** Facts about CRIU, as plain functions of text and bytes. Knows nothing of containers. */
export * from "./CriuImage.ts"
export type { Diagnosis, DiagnosisCode } from "./criuDiagnoses.ts"
export * from "./CriuLog.ts"
export * from "./CriuStatistics.ts"
export * from "./CriuVersion.ts"
export * from "./IpcObjects.ts"
export * as Protobuf from "./Protobuf.ts"
export { ProtobufInvalid } from "./Protobuf.ts"
