/** What a registry gets before skopeo comes, and what skopeo does when that did not work: real skopeo, a real registry behind fronts. */
import { randomBytes } from "node:crypto"
import * as fs from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { defaultCriuRestore } from "@cryopod/entities"
import { afterAll, beforeAll, expect, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { checkpointLayer, createCheckpointImage, pullImage, pushImage, type RegistryAccess } from "../src/index.ts"
import {
  type Front,
  type Passed,
  type Registry,
  startFront,
  startGuard,
  startRegistry,
  startTokenGuard,
} from "./registries.ts"
import { makeCertificates } from "../../service/test/support/certificates.ts"
import { type Host, temporaryHost, treeOf } from "./support.ts"

let registry: Registry
beforeAll(async () => {
  registry = await startRegistry()
})
afterAll(() => registry.stop())

const pages = randomBytes(3 << 20)
const access: RegistryAccess = { tlsVerify: false, authfile: "", creds: "" }

const newCheckpoint = (host: Host) =>
  Effect.suspend(() => {
    const directory = join(host.layout.temporary, "staged")
    fs.mkdirSync(join(directory, "checkpoint"), { recursive: true })
    fs.writeFileSync(join(directory, "checkpoint", "pages-1.img"), pages)
    return createCheckpointImage(directory, {
      name: "localhost/web:1",
      annotations: {},
      architecture: "amd64",
      created: "2026-01-02T03:04:05.000Z",
      needs: defaultCriuRestore,
    })
  })

interface Pushed {
  readonly front: Front
  readonly push: (name: string, more?: Partial<RegistryAccess>) => Effect.Effect<void, unknown>
  /** The same image can be had from there, elsewhere. */
  readonly comesBack: (name: string, more?: Partial<RegistryAccess>) => Effect.Effect<void, unknown>
  readonly host: Host
}

/** A checkpoint on a host of its own, to be pushed through a front. */
const through = <E>(start: () => Promise<Front>, test: (pushed: Pushed) => Effect.Effect<void, E>) =>
  Effect.gen(function* () {
    const host = yield* temporaryHost
    const front = yield* Effect.acquireRelease(Effect.promise(start), (started) => Effect.promise(() => started.stop()))
    const { id } = yield* Effect.provide(newCheckpoint(host), host.layer)
    yield* test({
      front,
      host,
      push: (name, more) =>
        Effect.provide(pushImage(id, `${front.address}/${name}`, { access: { ...access, ...more } }), host.layer),
      comesBack: (name, more) =>
        Effect.gen(function* () {
          const there = yield* temporaryHost
          const work = Effect.gen(function* () {
            const pulled = yield* pullImage(`${front.address}/${name}`, { ...access, ...more })
            expect(pulled.id).toBe(id)
            const accepts = { archive: "layer", accepts: () => true, maxMembers: 1000, maxBytes: 1 << 30 }
            const directory = yield* checkpointLayer(id, accepts)
            expect(fs.readFileSync(join(directory, "checkpoint/pages-1.img")).equals(pages)).toBe(true)
          })
          yield* Effect.scoped(Effect.provide(work, there.layer))
        }).pipe(Effect.scoped),
    })
    expect(treeOf(host.layout.temporary)).toEqual([])
  }).pipe(Effect.scoped)

/** A variable for skopeo and for us. */
const withVariable = <A, E, R>(name: string, value: string, work: Effect.Effect<A, E, R>) =>
  Effect.acquireUseRelease(
    Effect.sync(() => {
      process.env[name] = value
    }),
    () => Effect.provideService(work, ConfigProvider.ConfigProvider, ConfigProvider.fromEnv()),
    () => Effect.sync(() => delete process.env[name]),
  )

/** Of files that have no other name: those of the store are links here. */
const newBytes = (directory: string): number =>
  fs
    .readdirSync(directory, { recursive: true, encoding: "utf8" })
    .map((name) => fs.statSync(join(directory, name)))
    .filter((file) => file.isFile() && file.nlink === 1)
    .reduce((sum, { size }) => sum + size, 0)

const straight = () => startFront(registry.address, () => false)
const uploadsBy = (passed: ReadonlyArray<Passed>) =>
  passed.filter(({ method }) => method === "PATCH").map(({ by }) => by)

it.live("a layer goes to the registry while it is compressed, and skopeo finds it there", () =>
  through(straight, ({ comesBack, front, push }) =>
    Effect.gen(function* () {
      yield* push("ahead/web:1")
      // the configuration is left to skopeo
      expect(uploadsBy(front.passed)).toEqual(["cryopod", "skopeo"])
      yield* comesBack("ahead/web:1")
    }),
  ),
)

it.live("a layer that goes to the registry while it is compressed is in no file here", () => {
  let temporary = ""
  const made: Array<number> = []
  const looking = () =>
    startFront(registry.address, (_, __, { by, method }) => {
      if (by === "cryopod" && method === "PUT") made.push(newBytes(temporary))
      return false
    })
  return through(looking, ({ front, host, push }) =>
    Effect.gen(function* () {
      temporary = host.layout.temporary
      yield* push("nowhere/web:1")
      expect(uploadsBy(front.passed)).toEqual(["cryopod", "skopeo"])
      expect(made).toHaveLength(1)
      expect(made[0]).toBeLessThan(1 << 20)
    }),
  )
})

it.live("a layer that the registry has taken and no longer knows is made again", () => {
  const forgetful = () =>
    startFront(registry.address, (_, response, { by, method, url }) => {
      if (by !== "skopeo" || method !== "HEAD" || !url.includes("/blobs/")) return false
      response.writeHead(404).end()
      return true
    })
  return through(forgetful, ({ comesBack, front, push }) =>
    Effect.gen(function* () {
      yield* push("forgotten/web:1")
      expect(uploadsBy(front.passed).filter((by) => by === "cryopod")).toHaveLength(1)
      expect(uploadsBy(front.passed).filter((by) => by === "skopeo").length).toBeGreaterThan(1)
      yield* comesBack("forgotten/web:1")
    }),
  )
})

it.live("what a registry has from an earlier time is neither compressed nor brought again", () =>
  through(straight, ({ comesBack, front, push }) =>
    Effect.gen(function* () {
      yield* push("again/web:1")
      front.passed.length = 0
      yield* push("again/web:2")
      expect(uploadsBy(front.passed)).toEqual([])
      yield* comesBack("again/web:2")
      // skopeo has it mounted in another repository
      front.passed.length = 0
      yield* push("elsewhere/web:1")
      expect(front.passed.filter(({ url }) => url.includes("mount=sha256"))).toHaveLength(1)
      expect(uploadsBy(front.passed)).not.toContain("cryopod")
      yield* comesBack("elsewhere/web:1")
    }),
  ),
)

it.live("a layer that has gone from a registry since it was asked for is made again", () => {
  let lies = false
  const lying = () =>
    startFront(registry.address, (_, response, { by, method }) => {
      if (!lies || by !== "cryopod" || method !== "HEAD") return false
      response.end()
      return true
    })
  return through(lying, ({ comesBack, push }) =>
    Effect.gen(function* () {
      yield* push("gone/web:1")
      lies = true
      yield* push("moved/web:1")
      yield* comesBack("moved/web:1")
    }),
  )
})

it.live.each([
  ["is not begun", { method: "POST", answer: 405 }],
  ["is refused on the way", { method: "PATCH", answer: 500 }],
  ["breaks off", { method: "PATCH", answer: 0 }],
  ["is not taken in the end", { method: "PUT", answer: 400 }],
] as const)("an upload that %s is skopeo's", ([, { answer, method }]) => {
  const breaking = () =>
    startFront(registry.address, (request, response, asked) => {
      if (asked.by !== "cryopod" || asked.method !== method) return false
      if (answer === 0) request.socket.destroy()
      else response.writeHead(answer).end()
      return true
    })
  const name = `broken/${method.toLowerCase()}-${answer}:1`
  return through(breaking, ({ comesBack, front, push }) =>
    Effect.gen(function* () {
      yield* push(name)
      expect(uploadsBy(front.passed).filter((by) => by === "skopeo")).toHaveLength(2)
      yield* comesBack(name)
    }),
  )
})

it.live.each([
  ["password", "by hand", startGuard],
  ["password", "from a file", startGuard],
  ["token", "by hand", startTokenGuard],
  ["token", "from a file", startTokenGuard],
] as const)("a registry that wants a %s gets it, given %s", ([kind, way, start]) =>
  through(
    () => start(registry.address, "user:secret"),
    ({ comesBack, front, host, push }) =>
      Effect.gen(function* () {
        const authfile = join(host.root, "auth.json")
        const auths = { [`${front.address}/${kind}`]: { auth: btoa("user:secret") } }
        fs.writeFileSync(authfile, JSON.stringify({ auths }))
        const login = way === "by hand" ? { creds: "user:secret" } : { authfile }
        const name = `${kind}/${way.replaceAll(" ", "-")}:1`
        const refused = yield* Effect.flip(push(name))
        expect(String(refused)).toMatch(/authentication required|unauthorized/i)
        yield* push(name, login)
        expect(uploadsBy(front.passed)).toEqual(["cryopod", "skopeo"])
        yield* comesBack(name, login)
      }),
  ),
)

it.live.each([
  ["it is one of this host's", true, "server", ["cryopod", "skopeo"]],
  ["it makes no difference", false, "stranger", ["cryopod", "skopeo"]],
  ["it is unknown", true, "stranger", []],
] as const)("a registry's certificate is looked at: %s", ([, tlsVerify, owner, uploads]) =>
  Effect.gen(function* () {
    const directory = fs.mkdtempSync(join(tmpdir(), "cryopod-certificates-"))
    const identityOf = makeCertificates(directory)
    yield* Effect.addFinalizer(() => Effect.sync(() => fs.rmSync(directory, { recursive: true })))
    const safe = () => startFront(registry.address, () => false, identityOf(owner))
    yield* through(safe, ({ comesBack, front, push }) =>
      Effect.gen(function* () {
        const name = `safe/${owner}-${tlsVerify}:1`
        const trusted = <A, E, R>(work: Effect.Effect<A, E, R>) =>
          withVariable("SSL_CERT_FILE", join(directory, "ours.pem"), work)
        const pushed = yield* Effect.exit(trusted(push(name, { tlsVerify })))
        expect([pushed._tag, uploadsBy(front.passed)]).toEqual([uploads.length > 0 ? "Success" : "Failure", uploads])
        if (uploads.length > 0) yield* trusted(comesBack(name, { tlsVerify }))
      }),
    )
  }).pipe(Effect.scoped),
)

it.live("a push that is interrupted while a registry takes nothing ends at once", () => {
  const silent = () => startFront(registry.address, (_, __, { method }) => method === "PATCH")
  return through(silent, ({ push }) =>
    Effect.gen(function* () {
      const ended = yield* Effect.timeoutOption(push("silent/web:1"), "2 seconds")
      expect(Option.isNone(ended)).toBe(true)
    }),
  )
})

it.live("a registry that this host has a word on is left to skopeo", () =>
  through(straight, ({ comesBack, front, host, push }) =>
    Effect.gen(function* () {
      const conf = join(host.root, "registries.conf")
      fs.writeFileSync(conf, `[[registry]]\nlocation = "${front.address}"\ninsecure = true\n`)
      yield* withVariable("CONTAINERS_REGISTRIES_CONF", conf, push("own/web:1"))
      expect(uploadsBy(front.passed)).toEqual(["skopeo", "skopeo"])
      expect(front.passed.filter(({ by }) => by === "cryopod")).toEqual([])
      yield* comesBack("own/web:1")
    }),
  ),
)
