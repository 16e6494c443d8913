/** Names for shell completion, from the engine that the line being completed leads to. */
import { candidatesOf, type CompletionHook } from "./kit/index.ts"

/** Set by the program, which knows how to reach an engine; without one, nothing is found. */
export const sources: Record<"containers" | "images" | "networks" | "pods" | "volumes", CompletionHook> = {
  containers: () => Promise.resolve(candidatesOf([])),
  images: () => Promise.resolve(candidatesOf([])),
  networks: () => Promise.resolve(candidatesOf([])),
  pods: () => Promise.resolve(candidatesOf([])),
  volumes: () => Promise.resolve(candidatesOf([])),
}

export const completeContainers: CompletionHook = (request) => sources.containers(request)
export const completeImages: CompletionHook = (request) => sources.images(request)
export const completeNetworks: CompletionHook = (request) => sources.networks(request)
export const completePods: CompletionHook = (request) => sources.pods(request)
export const completeVolumes: CompletionHook = (request) => sources.volumes(request)
