/**
 * Blobs go to a registry while they are made.
 *
 * skopeo, which does all else, wants to know a blob's digest before it brings it: it begins when the last byte is compressed.
 * A registry asks for the digest at the end. So what is produced goes there at once, and skopeo finds it there. Whatever gets
 * in the way, here nothing fails: the blob is made again and skopeo's to bring, with its words for what is wrong.
 */
import type { ClientRequest } from "node:http"
import { parseReference } from "@cryopod/entities"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { RegistryAccess } from "../Transport.ts"
import { type RegistryEnvironment, registryEnvironment } from "./environment.ts"
import { answerOf, openSession, type Session } from "./session.ts"

export interface BlobUpload {
  /** Whether more is taken; until it resolves the block must stay as it is. Never rejects. */
  readonly write: (block: Uint8Array) => Promise<boolean>
  /** All was written: whether the registry has it. Never rejects. */
  readonly finish: (digest: string) => Promise<boolean>
  readonly abandon: () => void
}

export interface UploadAhead {
  /** Whether the registry has a blob; never rejects. */
  readonly has: (digest: string) => Promise<boolean>
  /** A place for a blob that is being made; undefined where that is left to skopeo. Never rejects. */
  readonly begin: () => Promise<BlobUpload | undefined>
}

/** `name` is a full one in a registry. */
export const uploadAhead = (name: string, access: RegistryAccess): Effect.Effect<UploadAhead> =>
  Effect.map(registryEnvironment, (environment) => uploads(name, access, environment))

const uploads = (name: string, access: RegistryAccess, environment: RegistryEnvironment): UploadAhead => {
  const reference = Result.getOrUndefined(parseReference(name))
  let session: Promise<Session | undefined> | undefined
  const open = () =>
    (session ??=
      reference?.registry === undefined
        ? Promise.resolve(undefined)
        : openSession({ registry: reference.registry, path: reference.path }, access, environment).catch(
            () => undefined,
          ))
  return {
    has: async (digest) => {
      const opened = await open()
      const answer = await opened?.ask("HEAD", new URL(`blobs/${digest}`, opened.base)).catch(() => undefined)
      return answer?.status === 200
    },
    begin: async () => {
      const opened = await open()
      return opened === undefined ? undefined : await beginBlob(opened).catch(() => undefined)
    },
  }
}

const beginBlob = async (session: Session): Promise<BlobUpload | undefined> => {
  const uploads = new URL("blobs/uploads/", session.base)
  const { headers, status } = await session.ask("POST", uploads)
  if (status !== 202 || headers.location === undefined) return undefined
  const place = new URL(headers.location, uploads)
  const sending = session.begin("PATCH", place, { "content-type": "application/octet-stream" })
  const answered = answerOf(sending)
  const writing = writer(sending)
  // an answer before the end is one that says no
  answered.then(writing.stop, writing.stop)
  return {
    write: writing.write,
    finish: async (digest) => {
      try {
        sending.end()
        const taken = await answered
        if (taken.status !== 202) return false
        const last = new URL(taken.headers.location ?? place, place)
        last.searchParams.set("digest", digest)
        return (await session.ask("PUT", last)).status === 201
      } catch {
        return false
      }
    },
    abandon: () => {
      writing.stop()
      sending.destroy()
    },
  }
}

/** Blocks go out one behind the other; when no more are taken, none is waited for. */
const writer = (sending: ClientRequest) => {
  const waiting = new Set<(taken: boolean) => void>()
  let stopped = false
  return {
    write: (block: Uint8Array): Promise<boolean> =>
      stopped
        ? Promise.resolve(false)
        : new Promise((resolve) => {
            const done = (taken: boolean) => {
              waiting.delete(done)
              resolve(taken)
            }
            waiting.add(done)
            sending.write(block, (error) => done(error == null))
          }),
    stop: (): void => {
      stopped = true
      for (const done of waiting) done(false)
    },
  }
}
