/** `_ping`, `version`, `info` and the findings about the host. */
import { SystemEngine } from "@cryopod/entities"
import { LibpodApi, type VersionReport } from "@cryopod/rest"
import * as Effect from "effect/Effect"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import type { ServiceVersions } from "../http/LibpodRequests.ts"

/** Headers by which clients tell libpod's service from Docker's (podman `pkg/api/handlers/compat/ping.go`). */
const pingHeaders = {
  "buildkit-version": "",
  "builder-version": "",
  "docker-experimental": "true",
  "cache-control": "no-cache",
  pragma: "no-cache",
  ostype: "linux",
  "libpod-buildah-version": "",
}

const pong = Effect.succeed(HttpServerResponse.text("OK", { headers: pingHeaders }))
const silentPong = Effect.succeed(HttpServerResponse.empty({ status: 200, headers: pingHeaders }))

export const systemHandlers = (versions: ServiceVersions) =>
  HttpApiBuilder.group(LibpodApi, "system", (handlers) =>
    Effect.gen(function* () {
      const engine = yield* SystemEngine
      const version = Effect.map(engine.info, ({ host }): VersionReport => {
        const component = (name: string, number: string, details: Readonly<Record<string, string>> = {}) => ({
          Name: name,
          Version: number,
          Details: details,
        })
        return {
          Platform: { Name: `linux/${host.arch}/${host.distribution.distribution}-${host.distribution.version}` },
          Components: [
            component("Podman Engine", versions.libpod, {
              APIVersion: versions.libpod,
              MinAPIVersion: minimalVersion,
              Arch: host.arch,
              Os: host.os,
              KernelVersion: host.kernel,
              BuildTime: "",
              Experimental: "false",
              GitCommit: "",
              GoVersion: "",
            }),
            component("cryopod", versions.program),
            component("Conmon", host.conmon.version, { Package: host.conmon.package }),
            component(`OCI Runtime (${host.ociRuntime.name})`, host.ociRuntime.version, {
              Package: host.ociRuntime.package,
            }),
          ],
          Version: versions.libpod,
          ApiVersion: versions.docker,
          MinAPIVersion: "1.24",
          GitCommit: "",
          GoVersion: "",
          Os: host.os,
          Arch: host.arch,
          KernelVersion: host.kernel,
          BuildTime: "",
        }
      })
      return handlers.handleAll({
        ping: () => pong,
        pingHead: () => silentPong,
        pingBare: () => pong,
        pingBareHead: () => silentPong,
        version: () => version,
        versionBare: () => version,
        info: () => engine.info,
        check: ({ query }) => engine.check({ deep: query.deep ?? false }),
        cleanup: ({ params }) => engine.cleanup(params.name),
      })
    }),
  )

const minimalVersion = "4.0.0"
