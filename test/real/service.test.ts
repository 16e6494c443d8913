/** `system service` as a program: when it ends, whose socket it takes, and what becomes of a client's work when it goes. */
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import * as fs from "node:fs"
import * as http from "node:http"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { eventually, Host } from "./support/Host.ts"
import { counter, importBase } from "./support/workloads.ts"

let host: Host
const started: Array<ChildProcess> = []
beforeAll(async () => {
  host = await Host.make({ runtime: "crun", cgroups: "v1" })
  await importBase(host)
})
afterAll(async () => {
  for (const child of started) child.kill("SIGKILL")
  await host.dispose()
})

const serviceWords = (...args: ReadonlyArray<string>) => host.command(["system", "service", ...args])

/** Listens on a socket, and becomes a program that is told of it, as systemd does it. */
const handingOver = `
  use POSIX (); use Socket;
  $^F = 255;
  socket(S, PF_UNIX, SOCK_STREAM, 0) && bind(S, sockaddr_un(shift)) && listen(S, 8) or die $!;
  POSIX::dup2(fileno(S), 3);
  @ENV{"LISTEN_PID", "LISTEN_FDS"} = ($$, 1);
  exec @ARGV;`

const start = ([file, ...args]: readonly [string, ...Array<string>]) => {
  const child = spawn(file, args, { stdio: ["ignore", "inherit", "inherit"] })
  started.push(child)
  return { child, ended: once(child, "exit") as Promise<[number | null]> }
}

interface Answer {
  readonly status: number
  readonly body: string
}

const ask = (socketPath: string, method: string, path: string): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const request = http.request({ socketPath, method, path: `/v5.4.2/libpod${path}`, agent: false }, (response) => {
      let body = ""
      response.on("data", (chunk: Buffer) => (body += chunk.toString()))
      response.once("end", () => resolve({ status: response.statusCode ?? 0, body }))
    })
    request.once("error", reject)
    request.end()
  })

const answering = (path: string) =>
  eventually(async () => {
    const answer = await ask(path, "GET", "/_ping").catch(() => undefined)
    return answer?.status === 200 ? true : undefined
  }, `a service at ${path}`)

describe("a service", () => {
  it("ends well when nobody has asked it for so long", async () => {
    const path = join(host.directory, "idle.sock")
    const { ended } = start(serviceWords("--time", "1", `unix://${path}`))
    await answering(path)
    expect((await ended)[0]).toBe(0)
    await expect(ask(path, "GET", "/_ping")).rejects.toThrow(/ECONNREFUSED|ENOENT/)
  })

  it("goes on while a request is under way", async () => {
    const path = join(host.directory, "busy.sock")
    await host.ok("run", "-d", "--network", "none", "--name", "slow", "base", "sleep", "1000")
    const { child, ended } = start(serviceWords("--time", "1", `unix://${path}`))
    await answering(path)
    const waiting = ask(path, "POST", "/containers/slow/wait")
    // longer than it waits for a next one
    await new Promise((resolve) => setTimeout(resolve, 2500))
    await host.ok("kill", "slow")
    expect(await waiting).toMatchObject({ status: 200, body: "137" })
    expect(child.exitCode).toBeNull()
    expect((await ended)[0]).toBe(0)
    await host.ok("rm", "slow")
  })

  it("takes the socket that whoever starts it listens on, and leaves it there", async () => {
    const path = join(host.directory, "handed.sock")
    const { ended } = start(["perl", "-e", handingOver, path, ...serviceWords("--time", "1")])
    await answering(path)
    expect((await ended)[0]).toBe(0)
    expect(fs.existsSync(path)).toBe(true)
  })

  it("loses no container whose client goes while its archive is on the way", async () => {
    const path = join(host.directory, "gone.sock")
    start(serviceWords("--time", "0", `unix://${path}`))
    await answering(path)
    // more than what lies in the buffers of a socket
    const fill = "dd if=/dev/urandom of=/big bs=1M count=64 2>/dev/null;"
    await host.ok("run", "-d", "--network", "none", "--name", "web", "base", "sh", "-c", `${fill} ${counter[2]}`)
    const before = await host.beyond("web", 2)
    await new Promise<void>((resolve, reject) => {
      const request = http.request(
        {
          socketPath: path,
          method: "POST",
          path: "/v5.4.2/libpod/containers/web/checkpoint?export=true",
          agent: false,
        },
        (response) => response.once("data", () => response.destroy()).once("close", () => resolve()),
      )
      request.once("error", reject)
      request.end()
    })
    const state = await eventually(async () => {
      const found = await host.inspect("web", "{{.State.Status}} {{.State.Checkpointed}}")
      return found === "running false" || found === "exited true" ? found : undefined
    }, "the container to run on or to be frozen")
    if (state === "exited true") await host.ok("container", "restore", "web")
    await host.beyond("web", before)
    const numbers = await host.numbers("web")
    expect(numbers).toEqual(numbers.map((_, at) => at))
    await answering(path)
    await host.ok("rm", "-f", "-t", "0", "web")
  })

  it("restores two images of three, and tells what stands in the way of the third", async () => {
    const path = join(host.directory, "three.sock")
    start(serviceWords("--time", "0", `unix://${path}`))
    await answering(path)
    const far = ["--url", `unix://${path}`]
    for (const name of ["one", "two"]) {
      await host.ok("run", "-d", "--network", "none", "--name", name, "base", ...counter)
      await host.ok(...far, "container", "checkpoint", "--create-image", `localhost/${name}:1`, name)
      await host.ok("rm", name)
    }
    const ran = await host.run(...far, "container", "restore", "localhost/one:1", "base", "localhost/two:1")
    expect(ran.status).toBe(125)
    expect(ran.stdout).toMatch(/^[0-9a-f]{64}\n[0-9a-f]{64}\n$/)
    expect(ran.stderr).toMatch(/^Error: image is not a checkpoint: [0-9a-f]+\n$/)
    const answer = await ask(path, "POST", "/containers/base/restore")
    expect(JSON.parse(answer.body)).toMatchObject({
      cause: expect.any(String),
      message: expect.stringContaining("image is not a checkpoint"),
      response: answer.status,
    })
    await host.ok("rm", "-a", "-f", "-t", "0")
  })
})
