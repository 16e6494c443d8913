/** The addresses of a checkpointed container, and which of them it gets again. */
import * as fs from "node:fs"
import { NetworkStatus, type RestoreOptions, type StorageFailed } from "@cryopod/entities"
import { attemptSync } from "@cryopod/host"
import type { ContainerConfig } from "@cryopod/runtime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { FormerPlaces } from "../network/places.ts"

type Ignoring = Pick<RestoreOptions, "ignoreStaticIp" | "ignoreStaticMac">

const read = Schema.decodeUnknownOption(Schema.fromJsonString(NetworkStatus))

/** Undefined where nothing says what the container had; a document that cannot be read says nothing. */
export const formerPlaces = Effect.fnUntraced(function* (
  path: string,
  { ignoreStaticIp, ignoreStaticMac, tcp }: Ignoring & Pick<RestoreOptions, "tcp">,
): Effect.fn.Return<FormerPlaces | undefined, StorageFailed> {
  const text = yield* attemptSync("read", path, () => (fs.existsSync(path) ? fs.readFileSync(path, "utf8") : ""))
  const status = Option.getOrUndefined(read(text))
  return status === undefined
    ? undefined
    : { status, addresses: !ignoreStaticIp, macs: !ignoreStaticMac, connections: tcp !== "close" }
})

/** What a container that is to forget its static addresses is made with, from now on. */
export const withoutStatic = (
  config: ContainerConfig,
  { ignoreStaticIp, ignoreStaticMac }: Ignoring,
): ContainerConfig => ({
  ...config,
  ...(config.attachments === undefined
    ? {}
    : {
        attachments: config.attachments.map(({ ips, mac, ...rest }) => ({
          ...rest,
          ips: ignoreStaticIp ? [] : ips,
          ...(mac === undefined || ignoreStaticMac ? {} : { mac }),
        })),
      }),
})
