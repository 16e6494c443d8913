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
  defaultCheckpoint,
  defaultRestore,
  Selection,
} from "@cryopod/entities"
import { openInput } from "@cryopod/host"
import type { Address } from "@cryopod/service"
import { tunnelEngine } from "@cryopod/tunnel"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { serveArchives } from "../../test/real/support/serveArchives.ts"

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

const content = Stream.unwrap(
  Effect.map(openInput(file), (blocks) => Stream.fromAsyncIterable(blocks, (cause) => cause)),
)

const serveCryopod = () => {
  const { ca: clientCa = "", ...own } = unixPath === undefined ? identity("server") : { cert: "", key: "" }
  const address: Address =
    unixPath !== undefined
      ? { _tag: "Unix", path: unixPath }
      : { _tag: "Tcp", host: "127.0.0.1", port, certificates: { ...own, clientCa } }
  serveArchives(address, content)
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
