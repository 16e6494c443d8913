/**
 * The parts of the case of that name, each in a process of its own: a server that has a file and takes one, and a client. What
 * is taken is counted and dropped, so that the way alone is measured.
 *
 *   serve SIDE URL FILE   SIDE is node, a plain server of Node's, or cryopod, the service over an engine that does as much
 *   down SIDE URL FILE    from the server's file to the client: what an export is
 *   up SIDE URL FILE      from the client's file to the server: what an import is
 *
 * URL is `unix://PATH`, or `tcp://127.0.0.1:PORT` with certificates of both sides, which lie beside FILE.
 */
import * as fs from "node:fs"
import * as http from "node:http"
import * as https from "node:https"
import { dirname, join } from "node:path"
import { type Readable, Writable } from "node:stream"
import { pipeline } from "node:stream/promises"
import {
  ContainerEngine,
  type ContainerEngineShape,
  CreateFlags,
  defaultCheckpoint,
  defaultRestore,
  ImageEngine,
  Selection,
} from "@cryopod/entities"
import { EngineMemory } from "@cryopod/entities/testing"
import { openInput } from "@cryopod/host"
import { type Address, serve } from "@cryopod/service"
import { tunnelEngine } from "@cryopod/tunnel"
import * as Context from "effect/Context"
import * as Tar from "effect/encoding/Tar"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as References from "effect/References"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"

const [part = "", side = "", url = "", file = ""] = process.argv.slice(2)

const pem = (name: string) => fs.readFileSync(join(dirname(file), name), "utf8")
const identity = (name: "server" | "client") => ({
  cert: pem(`${name}.pem`),
  key: pem(`${name}.key`),
  ca: pem("ours.pem"),
})

const unixPath = url.startsWith("unix://") ? url.slice("unix://".length) : undefined
const port = Number(/\d+$/.exec(url)?.[0])

const ended = () => process.once("SIGTERM", () => process.exit(0))

const counted = async (bytes: Readable): Promise<number> => {
  let length = 0
  const counter = new Writable({
    write: (chunk: Uint8Array, _, done) => {
      length += chunk.length
      done()
    },
  })
  await pipeline(bytes, counter)
  return length
}

const serveNode = () => {
  const answer: http.RequestListener = (request, response) => {
    const work =
      request.method === "GET"
        ? pipeline(fs.createReadStream(file), response)
        : counted(request).then((length) => response.end(String(length)))
    work.catch((cause: unknown) => {
      console.error(cause)
      process.exit(1)
    })
  }
  if (unixPath !== undefined) http.createServer(answer).listen(unixPath)
  else
    https
      .createServer({ ...identity("server"), requestCert: true, rejectUnauthorized: true }, answer)
      .listen(port, "127.0.0.1")
}

const report = { Id: "f".repeat(64), runtime_checkpoint_duration: 0, criu_statistics: null, warnings: [] }

const rootfs = Stream.make(Tar.directory("etc/"), Tar.file("etc/motd", "welcome\n")).pipe(
  Stream.pipeThroughChannel(Tar.encode()),
  Stream.orDie,
)

/** The engine in memory, but for archives: they are those of a disk. */
const engine = Layer.effectContext(
  Effect.gen(function* () {
    const context = yield* Layer.build(EngineMemory.layer())
    const containers = Context.get(context, ContainerEngine)
    const image = yield* Context.get(context, ImageEngine).import(
      { _tag: "Stream", bytes: rootfs },
      { name: "base", changes: [], message: "" },
    )
    yield* containers.create({ ...Schema.decodeSync(CreateFlags)({}), name: "web", image, command: ["count"] })
    const own: Partial<ContainerEngineShape> = {
      checkpoint: (_, { target }) =>
        Effect.gen(function* () {
          if (target._tag !== "Archive" || target.destination._tag !== "Stream") return yield* Effect.die("no stream")
          const { write } = target.destination
          const blocks = yield* Effect.orDie(openInput(file))
          yield* Effect.orDie(Stream.runForEach(Stream.fromAsyncIterable(blocks, Effect.die), write))
          return [{ input: report.Id, result: Result.succeed(report) }]
        }).pipe(Effect.scoped),
      restore: (source) =>
        Effect.gen(function* () {
          if (source._tag !== "Archive" || source.archive._tag !== "Stream") return yield* Effect.die("no stream")
          const length = yield* Effect.orDie(lengthOf(source.archive.bytes))
          const result = { Id: String(length), runtime_restore_duration: 0, criu_statistics: null, warnings: [] }
          return [{ input: "", result: Result.succeed(result) }]
        }),
    }
    return Context.add(context, ContainerEngine, ContainerEngine.of({ ...containers, ...own }))
  }),
)

const lengthOf = <E>(bytes: Stream.Stream<Uint8Array, E>) =>
  Stream.runFold(
    bytes,
    () => 0,
    (sum, { length }) => sum + length,
  )

const serveCryopod = () => {
  const { ca: clientCa = "", ...own } = unixPath === undefined ? identity("server") : { cert: "", key: "" }
  const address: Address =
    unixPath !== undefined
      ? { _tag: "Unix", path: unixPath }
      : { _tag: "Tcp", host: "127.0.0.1", port, certificates: { ...own, clientCa } }
  Effect.runFork(
    serve({ address, versions: { program: "0.0.0", libpod: "5.4.2", docker: "1.41" }, idleMillis: 0 }).pipe(
      Effect.provide(engine),
      Effect.provideService(References.MinimumLogLevel, "None"),
    ),
  )
}

const request = (method: "GET" | "PUT", body?: Readable): Promise<http.IncomingMessage> =>
  new Promise((resolve, reject) => {
    const sent =
      unixPath !== undefined
        ? http.request({ socketPath: unixPath, method })
        : https.request({ host: "127.0.0.1", port, method, ...identity("client") })
    sent.once("response", resolve)
    sent.once("error", reject)
    if (body === undefined) sent.end()
    else pipeline(body, sent).catch(reject)
  })

const downNode = async () => counted(await request("GET"))
const upNode = async () => {
  const answer = await request("PUT", fs.createReadStream(file))
  let text = ""
  for await (const chunk of answer as AsyncIterable<Buffer>) text += chunk.toString()
  return Number(text)
}

const through = (use: (engine: ContainerEngineShape) => Effect.Effect<number>): Promise<number> =>
  Effect.runPromise(
    Effect.flatMap(ContainerEngine, (containers) => timed(use(containers))).pipe(
      Effect.provide(tunnelEngine({ url, ...(unixPath === undefined ? { certificates: identity("client") } : {}) })),
      Effect.orDie,
    ),
  )

let seconds = 0
/** From the request on: a client that has just started is no part of the way. */
const timed = (work: Effect.Effect<number>) =>
  Effect.gen(function* () {
    const began = performance.now()
    const length = yield* work
    seconds = (performance.now() - began) / 1000
    return length
  })

const downCryopod = () =>
  through((containers) => {
    let length = 0
    const destination = {
      _tag: "Stream",
      write: (block: Uint8Array) => Effect.sync(() => void (length += block.length)),
    } as const
    const target = {
      _tag: "Archive",
      destination,
      compression: "none",
      ignoreRootfs: false,
      ignoreVolumes: false,
    } as const
    return Effect.orDie(
      Effect.map(containers.checkpoint(Selection.names("web"), { ...defaultCheckpoint, target }), () => length),
    )
  })

const upCryopod = () =>
  through((containers) =>
    Effect.orDie(
      Effect.map(
        containers.restore({ _tag: "Archive", archive: { _tag: "File", path: file } }, defaultRestore),
        ([item]) => (item?.result._tag === "Success" ? Number(item.result.success.Id) : 0),
      ),
    ),
  )

const clients: Readonly<Record<string, () => Promise<number>>> = {
  "down node": () => Effect.runPromise(timed(Effect.promise(downNode))),
  "up node": () => Effect.runPromise(timed(Effect.promise(upNode))),
  "down cryopod": downCryopod,
  "up cryopod": upCryopod,
}

if (part === "serve") {
  ended()
  if (side === "node") serveNode()
  else serveCryopod()
} else {
  const client = clients[`${part} ${side}`]
  if (client === undefined) throw new Error(`no part ${part} ${side}`)
  const bytes = await client()
  process.stdout.write(JSON.stringify({ bytes, seconds }))
}
