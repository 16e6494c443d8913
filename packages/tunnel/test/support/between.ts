/** Somebody between a client and a service, who passes everything on and has a hand in some answers. */
import * as http from "node:http"
import * as Effect from "effect/Effect"

export type Hand = (
  request: http.IncomingMessage,
  answer: http.IncomingMessage,
  response: http.ServerResponse,
) => "passes" | "taken"

/** Listens on `path` for as long as the scope is open. */
export const between = (service: string, path: string, hand: Hand) =>
  Effect.acquireRelease(
    Effect.callback<http.Server>((resume) => {
      const server = http.createServer((request, response) => {
        const { headers, method, url = "" } = request
        const forward = http.request({ socketPath: service, headers, method, path: url }, (answer) => {
          if (hand(request, answer, response) === "taken") return
          response.writeHead(answer.statusCode ?? 500, answer.headers)
          answer.pipe(response)
        })
        request.pipe(forward)
      })
      server.listen(path, () => resume(Effect.succeed(server)))
    }),
    (server) => Effect.sync(() => server.close()),
  )
