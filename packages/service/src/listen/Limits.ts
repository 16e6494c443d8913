/** What one client may take: time for its headers, their size, bodies that are read as a whole, connections. */
export interface Limits {
  /** All headers must have come after this; a handshake, too. Bodies may take as long as they take. */
  readonly headersMillis: number
  readonly headersBytes: number
  /** Body of a request that is no stream. */
  readonly bodyBytes: number
  /** A connection without a request is closed after this. */
  readonly idleMillis: number
  /** More are refused until others end. */
  readonly connections: number
}

export const standardLimits: Limits = {
  headersMillis: 10_000,
  headersBytes: 32 * 1024,
  bodyBytes: 4 * 2 ** 20,
  idleMillis: 120_000,
  connections: 8192,
}
