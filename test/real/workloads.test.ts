/**
 * Programs of the distribution in containers on a bridge, each frozen into an archive and again into an image, removed, and thawed
 * from it, while two clients are connected all the time: one of this host's over the container's address, and one on another
 * machine over a published port. What it knew, the files it wrote and the connections are as before.
 */
import { type ChildProcess, execFileSync } from "node:child_process"
import { once } from "node:events"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { eventually, Host, project } from "./support/Host.ts"
import { importPrograms } from "./support/programs.ts"

let host: Host
/** Words that run a command on another machine, at the other end of a wire: 10.77.0.2, with this host at 10.77.0.1. */
let elsewhere = ""
let wire: ChildProcess
beforeAll(async () => {
  host = await Host.make()
  await importPrograms(host)
  wire = host.spawn(`unshare --net sleep 1000000 &
    while [ "$(readlink /proc/$!/ns/net)" = "$(readlink /proc/self/ns/net)" ]; do sleep 0.05; done
    ip link add out type veth peer name in netns $!
    ip addr add 10.77.0.1/24 dev out; ip link set out up
    nsenter --net=/proc/$!/ns/net sh -c 'ip addr add 10.77.0.2/24 dev in; ip link set in up'
    trap "kill $!" TERM; echo $!; wait`)
  const [pid] = (await once(wire.stdout ?? wire, "data")) as [Buffer]
  elsewhere = `nsenter --net=/proc/${pid.toString().trim()}/ns/net`
})
afterAll(async () => {
  wire.kill("SIGTERM")
  await host.dispose()
})

/** A client that stays connected. */
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
  readonly port: number
  /** A command that connects to an address and port; one of the root filesystem's. */
  readonly client?: (address: string, port: number) => string
  /** What a client says before the first freeze; `said` counts these and the later ones, of both clients. */
  readonly before: (client: Client, said: number) => Promise<unknown>
  /** What a client says after each thaw, over the same connection; `round` counts thaws. */
  readonly after: (client: Client, round: number, said: number) => Promise<unknown>
}

const netcat = (address: string, port: number) => `busybox nc ${address} ${port}`

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
server = socket.create_server(("", 9001))
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
}).listen(9002, () => console.log("ready"))`

const lines = {
  before: (client: Client, said: number) => client.ask("first\n", new RegExp(`^0 ${said} first\n`)),
  after: (client: Client, round: number, said: number) => client.ask("more\n", new RegExp(`^${round} ${said} first\n`)),
}

const request = "GET /page HTTP/1.1\r\nHost: x\r\n\r\n"

const workloads: ReadonlyArray<Workload> = [
  {
    name: "redis",
    command: ["redis-server", "--save", "", "--protected-mode", "no"],
    ready: /Ready to accept connections/,
    port: 6379,
    before: async (client, said) => {
      await client.ask(`CLIENT SETNAME client-${said}\r\n`, /\+OK/)
      await client.ask("RPUSH key kept-in-memory\r\n", new RegExp(`:${said}\r\n`))
    },
    after: async (client, _, said) => {
      await client.ask("LINDEX key 0\r\n", /kept-in-memory/)
      await client.ask("RPUSH key more\r\n", new RegExp(`:${said}\r\n`))
      await client.ask("CLIENT GETNAME\r\n", new RegExp(`client-${said % 2 === 0 ? 2 : 1}\r\n`))
    },
  },
  {
    name: "nginx",
    command: [
      "sh",
      "-c",
      // with the rights that this machine may have, CRIU reads the limits of its own user's processes only
      "sed -i s/www-data/root/ /etc/nginx/nginx.conf; mkdir -p /var/log/nginx /var/www/html; echo written in the container > /var/www/html/page; nginx; echo ready; exec sleep 1000000",
    ],
    ready: /ready/,
    port: 80,
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
       echo host all all all trust >> /pg/pg_hba.conf
       export LD_PRELOAD=libuid_wrapper.so UID_WRAPPER=1 UID_WRAPPER_INITIAL_RUID=101 UID_WRAPPER_INITIAL_EUID=101
       exec postgres -D /pg -c 'listen_addresses=*' -c unix_socket_directories= -c fsync=off`,
    ],
    ready: /ready to accept connections/,
    port: 5432,
    client: (address, port) => `chroot ${programsRoot()} psql -X -A -t -h ${address} -p ${port} -U postgres postgres`,
    before: async (client) => {
      await client.ask("create table if not exists t(v text); insert into t values ('kept on disk');\n", /INSERT 0 1/)
      await client.ask(
        "create temporary table s(v text); insert into s values ('kept in the session');\n",
        /INSERT 0 1/,
      )
    },
    after: async (client, _, said) => {
      await client.ask("select v from t limit 1; select v from s;\n", /kept on disk[^]*kept in the session/)
      await client.ask(`insert into t values ('more'); select count(*) from t;\n`, new RegExp(`\\b${said}\\n`))
    },
  },
  { name: "python", command: ["python3", "-u", "-c", pythonServer], ready: /ready/, port: 9001, ...lines },
  { name: "node", command: ["node", "-e", nodeServer], ready: /ready/, port: 9002, ...lines },
]

describe.concurrent("a container with", () => {
  it.each(workloads)("$name goes on from an archive and from an image, connected", async (workload) => {
    const { after, before, client: command = netcat, name, port, ready } = workload
    // an address of its own: what is removed for a moment gives its place free
    const address = `10.88.0.${100 + workloads.indexOf(workload)}`
    const published = 20_000 + port
    await host.ok(
      "run",
      "-d",
      "--ip",
      address,
      "-p",
      `${published}:${port}`,
      "--name",
      name,
      "programs",
      ...workload.command,
    )
    const said = async () => {
      const { stderr, stdout } = await host.run("logs", name)
      return stdout + stderr
    }
    await eventually(
      async () => (ready.test(await said()) ? true : undefined),
      () => `${name} to be ready`,
      60,
    )
    const clients = [
      new Client(`exec ${command(address, port)}`),
      new Client(`exec ${elsewhere} ${command("10.77.0.1", published)}`),
    ]
    let words = 0
    for (const client of clients) await before(client, ++words)
    const goesOn = async (round: number) => {
      for (const client of clients) await after(client, round, ++words)
    }
    const archive = join(host.directory, `${name}.tar`)
    await host.ok("container", "checkpoint", "--tcp-established", "-e", archive, name)
    await host.ok("rm", name)
    await host.ok("container", "restore", "--tcp-established", "-i", archive)
    await goesOn(1)
    await host.ok("container", "checkpoint", "--tcp-established", "--create-image", `frozen-${name}`, name)
    await host.ok("rm", name)
    await host.ok("container", "restore", "--tcp-established", `frozen-${name}`)
    await goesOn(2)
    for (const client of clients) client.close()
    expect(await host.inspect(name, "{{.State.Status}} {{.NetworkSettings.IPAddress}}")).toBe(`running ${address}`)
    await host.ok("rm", "-f", "-t", "0", name)
  })
})
