/** A registry that engines in memory push to and pull from; several engines may share one, as hosts do. */
import type { ImageBytes } from "./MemoryHost.ts"

export interface MemoryRegistry {
  /** Images by full name. */
  readonly images: Map<string, ImageBytes>
  /** Registries, by the first component of names, that speak plain HTTP, and those that want a login. */
  readonly plain: ReadonlySet<string>
  /** `user:password` of a registry that wants one. */
  readonly logins: ReadonlyMap<string, string>
}

export interface RegistryOptions {
  readonly plain?: Iterable<string>
  readonly logins?: Iterable<readonly [registry: string, login: string]>
}

export const makeRegistry = (options: RegistryOptions = {}): MemoryRegistry => ({
  images: new Map(),
  plain: new Set(options.plain),
  logins: new Map(options.logins),
})
