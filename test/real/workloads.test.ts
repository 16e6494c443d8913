/**
 * Programs of the distribution in containers, each frozen into an archive and again into an image, removed, and thawed from it,
 * while a client is connected all the time: what it knew, the files it wrote and the connection are as before.
 */
import { type ChildProcess, execFileSync } from "node:child_process"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { eventually, Host, project } from "./support/Host.ts"
import { importPrograms } from "./support/programs.ts"

let host: Host
beforeAll(async () => {
  host = await Host.make()
  await importPrograms(host)
})
afterAll(() => host.dispose())

/** A client of the host's own that stays connected. */
class Client {
  private readonly child: ChildProcess
  private heard = ""

  constructor(script: string) {
    this.child = host.spawn(script)
    this.child.stdout?.on("data", (chunk: Buffer) => (this.heard += chunk.toString("utf8")))
    this.child.stderr?.on("data", (chunk: Buffer) => (this.heard += chunk.toString("utf8")))
  }

  /** Say something, and wait for an answer; the answer is what was heard up to there. */
  async ask(text: string, answer: RegExp): Promise<string> {
    this.heard = ""
    this.child.stdin?.write(text)
    return eventually(
      async () => (answer.test(this.heard) ? this.heard : undefined),
      () => `an answer to ${JSON.stringify(text)}, having heard ${JSON.stringify(this.heard)}`,
      60,
    )
  }

  close(): void {
    this.child.kill("SIGKILL")
  }
}

interface Workload {
  readonly name: string
  readonly command: ReadonlyArray<string>
  readonly ready: RegExp
  readonly client: string
  /** What the client says before the first freeze. */
  readonly before: (client: Client) => Promise<unknown>
  /** What the client says after each thaw, over the same connection; `round` counts thaws. */
  readonly after: (client: Client, round: number) => Promise<unknown>
}

const connect = (port: number) => `exec busybox nc 127.0.0.1 ${port}`

/** The root filesystem that containers have, on the host: for a client of the same version. */
const programsRoot = () =>
  execFileSync(join(project, "scripts/workloads"), { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] }).trim()

/** A server that numbers the lines it gets, per connection and in all, and keeps them. */
const pythonServer = `
import socket, threading
kept = []
def serve(connection):
    with connection.makefile("rw") as lines:
        for own, line in enumerate(lines):
            kept.append(line.strip())
            lines.write(f"{own} {len(kept)} {kept[0]}\\n")
            lines.flush()
server = socket.create_server(("127.0.0.1", 9001))
print("ready", flush=True)
while True:
    threading.Thread(target=serve, args=(server.accept()[0],), daemon=True).start()`

const nodeServer = `
const kept = []
require("net").createServer((socket) => {
  let own = 0
  require("readline").createInterface({ input: socket }).on("line", (line) => {
    kept.push(line)
    socket.write(own++ + " " + kept.length + " " + kept[0] + "\\n")
  })
}).listen(9002, "127.0.0.1", () => console.log("ready"))`

const lines = {
  before: async (client: Client) => {
    await client.ask("first\n", /^0 1 first\n/)
  },
  after: async (client: Client, round: number) => {
    await client.ask("more\n", new RegExp(`^${round} ${round + 1} first\n`))
  },
}

const request = "GET /page HTTP/1.1\r\nHost: x\r\n\r\n"

const workloads: ReadonlyArray<Workload> = [
  {
    name: "redis",
    command: ["redis-server", "--save", "", "--port", "6379", "--bind", "127.0.0.1"],
    ready: /Ready to accept connections/,
    client: connect(6379),
    before: async (client) => {
      await client.ask("CLIENT SETNAME connected\r\n", /\+OK/)
      await client.ask("SET key kept-in-memory\r\n", /\+OK/)
    },
    after: async (client) => {
      await client.ask("GET key\r\n", /kept-in-memory/)
      await client.ask("CLIENT GETNAME\r\n", /connected/)
    },
  },
  {
    name: "nginx",
    command: [
      "sh",
      "-c",
      // with the rights that this machine may have, CRIU reads the limits of its own user's processes only
      "sed -i s/www-data/root/ /etc/nginx/nginx.conf; sed -i 's/80 default_server/8080 default_server/' /etc/nginx/sites-enabled/default; mkdir -p /var/log/nginx /var/www/html; echo written in the container > /var/www/html/page; nginx; echo ready; exec sleep 1000000",
    ],
    ready: /ready/,
    client: connect(8080),
    before: (client) => client.ask(request, /200 OK[^]*written in the container/),
    after: (client) => client.ask(request, /200 OK[^]*written in the container/),
  },
  {
    name: "postgresql",
    command: [
      "sh",
      "-c",
      // it refuses root, and what is really another user's CRIU cannot read here: a library makes it believe
      `PATH=$PATH:$(echo /usr/lib/postgresql/*/bin); mkdir /pg; chown postgres /pg
       setpriv --reuid=postgres --regid=postgres --clear-groups initdb -D /pg -U postgres --auth=trust --no-sync
       export LD_PRELOAD=libuid_wrapper.so UID_WRAPPER=1 UID_WRAPPER_INITIAL_RUID=101 UID_WRAPPER_INITIAL_EUID=101
       exec postgres -D /pg -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off`,
    ],
    ready: /ready to accept connections/,
    client: "", // of the root filesystem, see below
    before: async (client) => {
      await client.ask("create table t(v text); insert into t values ('kept on disk');\n", /INSERT 0 1/)
      await client.ask(
        "create temporary table s(v text); insert into s values ('kept in the session');\n",
        /INSERT 0 1/,
      )
    },
    after: async (client, round) => {
      await client.ask("select v from t limit 1; select v from s;\n", /kept on disk[^]*kept in the session/)
      await client.ask(`insert into t values ('more'); select count(*) from t;\n`, new RegExp(`\\b${round + 1}\\n`))
    },
  },
  { name: "python", command: ["python3", "-u", "-c", pythonServer], ready: /ready/, client: connect(9001), ...lines },
  { name: "node", command: ["node", "-e", nodeServer], ready: /ready/, client: connect(9002), ...lines },
]

describe.concurrent("a container with", () => {
  it.each(workloads)("$name goes on from an archive and from an image, connected", async (workload) => {
    const { after, before, command, name, ready } = workload
    await host.ok("run", "-d", "--network", "host", "--name", name, "programs", ...command)
    const said = async () => {
      const { stderr, stdout } = await host.run("logs", name)
      return stdout + stderr
    }
    await eventually(
      async () => (ready.test(await said()) ? true : undefined),
      () => `${name} to be ready`,
      60,
    )
    const client = new Client(
      workload.client || `exec chroot ${programsRoot()} psql -X -A -t -h 127.0.0.1 -U postgres postgres`,
    )
    await before(client)
    const archive = join(host.directory, `${name}.tar`)
    await host.ok("container", "checkpoint", "--tcp-established", "-e", archive, name)
    await host.ok("rm", name)
    await host.ok("container", "restore", "--tcp-established", "-i", archive)
    await after(client, 1)
    await host.ok("container", "checkpoint", "--tcp-established", "--create-image", `frozen-${name}`, name)
    await host.ok("rm", name)
    await host.ok("container", "restore", "--tcp-established", `frozen-${name}`)
    await after(client, 2)
    client.close()
    expect(await host.inspect(name, "{{.State.Status}}")).toBe("running")
    await host.ok("rm", "-f", "-t", "0", name)
  })
})
