/** Options of CRIU's own: without one a container is refused with CRIU's word for it, with it the container comes back whole. */
import { execFileSync } from "node:child_process"
import * as fs from "node:fs"
import { join } from "node:path"
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest"
import { bytesSource, readOnly } from "../../packages/criu/src/index.ts"
import { eventually, Host } from "./support/Host.ts"
import { imagesOf } from "./support/programs.ts"
import { copyProgram, importBase } from "./support/workloads.ts"

/** crun does not run in a hybrid layout with controllers in v2. */
const hosts = [
  { runtime: "runc", cgroups: "host" },
  { runtime: "crun", cgroups: "v1" },
] as const

const counting = "i=0; while :; do echo $i; i=$((i+1)); sleep 0.1; done"

describe.each(hosts)("with $runtime", ({ cgroups, runtime }) => {
  let host: Host
  beforeAll(async () => {
    host = await Host.make({ runtime, cgroups })
    await importBase(host, (rootfs) => copyProgram("/usr/bin/perl", rootfs))
  })
  afterEach(() => host.ok("rm", "-a", "-f", "-t", "0"))
  afterAll(() => host.dispose())

  const run = async (name: string, script: string, ...options: ReadonlyArray<string>) => {
    const network = options.some((word) => word === "--network" || word === "--pod") ? [] : ["--network", "none"]
    await host.ok("run", "-d", ...network, "--name", name, ...options, "base", "sh", "-c", script)
    await host.beyond(name, 1)
  }

  /** The container is frozen with the option alone, and runs on where it is refused without. */
  const frozenWith = async (
    name: string,
    [option, ...values]: readonly [string, ...Array<string>],
    said: RegExp,
    ...more: ReadonlyArray<string>
  ) => {
    const refused = await host.run("container", "checkpoint", ...more, name)
    expect([refused.status, refused.stdout]).toEqual([125, ""])
    expect(refused.stderr).toMatch(said)
    expect(refused.stderr).toContain(option)
    await host.beyond(name, await host.last(name))
    await host.ok("container", "checkpoint", ...more, option, ...values, name)
    return host.last(name)
  }

  /** The file that the engine wrote for CRIU. */
  const toldCriu = async (name: string) =>
    fs
      .readFileSync(host.path("containers", await host.inspect(name, "{{.Id}}"), "userdata/criu.conf"), "utf8")
      .split("\n")

  const opened = (name: string) => host.ok("exec", name, "md5sum", "/proc/1/fd/3")

  it("a deleted file above the limit is refused, and with --ghost-limit it is there after the thaw, wherever that is", async () => {
    await run("ghost", `exec 3<>/big; dd if=/dev/urandom of=/big bs=1M count=3 2>/dev/null; rm /big; ${counting}`)
    const content = await opened("ghost")
    expect(content).toMatch(/^[0-9a-f]{32} /)
    const said = /Can't dump ghost file .* of 3145728 size, increase limit \(.*raise the limit with --ghost-limit/
    const image = ["--create-image", "ghost:1"]
    const small = await host.run("container", "checkpoint", "--ghost-limit", "2m", "ghost")
    expect([small.status, small.stderr]).toEqual([125, expect.stringMatching(said)])
    const frozen = await frozenWith("ghost", ["--ghost-limit", "10m"], said, ...image)
    await host.ok("container", "restore", "ghost")
    await host.beyond("ghost", frozen)
    expect(await opened("ghost")).toBe(content)
    await host.ok("rm", "-ft0", "ghost")
    await host.ok("container", "restore", "ghost:1")
    await host.beyond("ghost", frozen)
    expect(await opened("ghost")).toBe(content)
  })

  it("a file with another name left is taken along with --link-remap, and nothing of CRIU's stays", async () => {
    await run("linked", `echo kept >/one; exec 3<>/one; ln /one /two; rm /one; ${counting}`)
    const said = /Can't create link remap for .*\(.*take it along with --link-remap/
    const frozen = await frozenWith("linked", ["--link-remap"], said, "--create-image", "linked:1")
    await host.ok("rm", "linked")
    await host.ok("container", "restore", "linked:1")
    await host.beyond("linked", frozen)
    expect(await host.ok("exec", "linked", "sh", "-c", "cat /proc/1/fd/3 /two; echo more >&3; ls -A /")).toMatch(
      /^kept\nkept\n/,
    )
    expect(await host.ok("exec", "linked", "ls", "-A", "/")).not.toContain("link_remap")
    const both = await host.run("container", "checkpoint", "--link-remap", "--leave-running", "linked")
    expect([both.status, both.stderr]).toEqual([125, expect.stringContaining("cannot be used with --leave-running")])
  })

  it("a socket connected to one of the host is taken along with --ext-unix-sk, and the restore knows", async () => {
    // CRIU connects to the name that the other side has given its socket
    const outside = join(host.directory, "outside")
    const archive = join(host.directory, "logger.tar")
    fs.mkdirSync(outside)
    const server = host.spawn(`exec socat -u UNIX-RECV:${outside}/log OPEN:${outside}/heard,creat,append`)
    const heard = () => fs.readFileSync(join(outside, "heard"), "utf8").split("\n").length
    await eventually(async () => (fs.existsSync(join(outside, "log")) ? true : undefined), "the socket of the host")
    const logging = `perl -e 'socket(S, 1, 2, 0); connect(S, pack("S a*", 1, "${outside}/log\\0")) or die; $| = 1;
      while (1) { send(S, "word $i\\n", 0); print $i++ + 0, "\\n"; select(undef, undef, undef, 0.1) }'`
    const mount = ["--volume", `${outside}:${outside}`]
    try {
      // CRIU knows the Unix sockets of the container's network namespace alone
      await run("logger", logging, "--network", "host", ...mount)
      const said = /External socket is used.*take a datagram socket along with --ext-unix-sk/
      const frozen = await frozenWith("logger", ["--ext-unix-sk"], said)
      const before = heard()
      await host.ok("container", "restore", "logger")
      expect(await toldCriu("logger")).toContain("ext-unix-sk")
      await host.beyond("logger", frozen)
      await eventually(async () => (heard() > before ? true : undefined), "the host to hear more")
      await host.ok("container", "checkpoint", "--ext-unix-sk", "-e", archive, "-c", "none", "logger")
      await host.ok("rm", "logger")
      // made here: what its restore needs is known by its digest
      await host.ok("container", "restore", ...mount, "-i", archive)
      expect(await toldCriu("logger")).toContain("ext-unix-sk")
      await host.beyond("logger", await host.last("logger"))
      await host.ok("rm", "-ft0", "logger")
      // of the same in other bytes nothing is believed
      const members = join(host.directory, "members")
      fs.mkdirSync(members)
      execFileSync("tar", ["-C", members, "-xf", archive])
      execFileSync("tar", ["-C", members, "-cf", archive, "."])
      const strange = ["container", "restore", "--policy", "none", ...mount, "-i", archive]
      await host.ok(...strange)
      expect(await toldCriu("logger")).not.toContain("ext-unix-sk")
      await host.ok("rm", "-ft0", "logger")
      await host.ok(...strange, "--ext-unix-sk")
      expect(await toldCriu("logger")).toContain("ext-unix-sk")
      await host.beyond("logger", await host.last("logger"))
    } finally {
      server.kill()
    }
  })

  it("a process on the terminal of another one's session comes back with --shell-job where the runtime can do it", async () => {
    const frozen = async (name: string, ...options: ReadonlyArray<string>) => {
      await run(name, counting)
      await host.ok("exec", "-d", "-t", name, "sh", "-c", 'setsid sh -c "sleep 1000 &"; sleep 1000')
      const ps = async () => (await host.ok("top", name, "args")).match(/sleep 1000$/gm)?.length
      await eventually(async () => ((await ps()) === 2 ? true : undefined), "the processes of the session")
      await host.ok("container", "checkpoint", ...options, name)
      return host.run("container", "restore", name)
    }
    const refused = [
      125,
      expect.stringMatching(/a process of the checkpoint was on a terminal that was opened outside of the container/),
    ]
    const without = await frozen("shelled")
    expect([without.status, without.stderr]).toEqual(refused)
    // said when it was frozen, and not since; what runc starts has no terminal that CRIU could give
    const told = await frozen("told", "--shell-job")
    const thawed = runtime === "crun"
    expect([told.status, told.stderr]).toEqual(thawed ? [0, ""] : refused)
    const sleeping = await host.run("top", "told", "args")
    expect(/^sleep 1000$/m.test(sleeping.stdout)).toBe(thawed)
  })

  it("connections that wait to be accepted are left out with --skip-in-flight", async () => {
    const listening = `perl -e 'socket(S, 2, 1, 0); bind(S, pack("S n N x8", 2, 7, 0x7f000001)) or die; listen(S, 5);
      $| = 1; while (1) { print $i++, "\\n"; select(undef, undef, undef, 0.1) }'`
    await run("busy", listening)
    const pid = await host.inspect("busy", "{{.State.Pid}}")
    const client = host.spawn(`exec nsenter -t ${pid} -n socat -u TCP:127.0.0.1:7 STDOUT`)
    try {
      const states = async () =>
        (await host.ok("exec", "busy", "cat", "/proc/net/tcp"))
          .match(/ 0[1A] /g)
          ?.sort()
          .join("")
      await eventually(async () => ((await states()) === " 01  01  0A " ? true : undefined), "the client to be waiting")
      const said = /In-flight connection.*leave such connections out with --skip-in-flight/
      const frozen = await frozenWith("busy", ["--skip-in-flight"], said)
      await host.ok("container", "restore", "busy")
      await host.beyond("busy", frozen)
      expect(await states()).toBe(" 0A ")
    } finally {
      client.kill()
    }
  })

  it.each(["iptables", "nftables", "skip"])("the network is held still by %s when it is told so", async (lock) => {
    await run("locked", counting)
    await host.ok("container", "checkpoint", "--network-lock", lock, "locked")
    const inventory = fs.readFileSync(join(await imagesOf(host, "locked"), "inventory.img"))
    const { network_lock_method: method } = readOnly(bytesSource(inventory), "inventory")
    expect(method).toBe({ iptables: 0, nftables: 1, skip: 2 }[lock])
    await host.ok("container", "restore", "locked")
    await host.beyond("locked", await host.last("locked"))
  })

  it("packets are held off unless nobody can send any", async () => {
    const lockOf = async (...options: ReadonlyArray<string>) => {
      await host.ok("container", "checkpoint", "--keep", ...options, "lonely")
      const inventory = fs.readFileSync(join(await imagesOf(host, "lonely"), "inventory.img"))
      await host.ok("container", "restore", "lonely")
      await host.beyond("lonely", await host.last("lonely"))
      return readOnly(bytesSource(inventory), "inventory").network_lock_method
    }
    await run("lonely", counting)
    expect([await lockOf(), await lockOf("--tcp-established")]).toEqual([2, 0])
    await run("guest", counting, "--network", "container:lonely")
    expect(await lockOf()).toBe(0)
    await host.ok("rm", "-f", "-t", "0", "guest")
    expect(await lockOf()).toBe(2)
    const pid = await host.inspect("lonely", "{{.State.Pid}}")
    expect((await host.shell(`nsenter -t ${pid} -n ip link add by-hand type bridge`)).status).toBe(0)
    expect(await lockOf()).toBe(0)
  })

  it("those that share a frozen container's network go on using it, however that was held still", async () => {
    await host.ok("pod", "create", "--infra-name", "holder", "--name", "shared")
    await run("one", counting, "--pod", "shared")
    await host.ok("container", "checkpoint", "--network-lock", "nftables", "one")
    const pid = await host.inspect("holder", "{{.State.Pid}}")
    const tables = await host.shell(`nsenter -t ${pid} -n nft list tables`)
    expect([tables.status, tables.stdout]).toEqual([0, expect.not.stringContaining("CRIU-")])
    await host.ok("container", "restore", "one")
    await host.beyond("one", await host.last("one"))
    await host.ok("pod", "rm", "-f", "-t", "0", "shared")
  })

  it("a failure that nothing is known against shows CRIU's last error, and where its log lies", async () => {
    await run("odd", counting, "-t")
    await host.ok("exec", "-d", "-t", "odd", "sh", "-c", 'setsid sh -c "sleep 1000 &"; sleep 1000')
    const ps = async () => (await host.ok("top", "odd", "args")).match(/sleep 1000$/gm)?.length
    await eventually(async () => ((await ps()) === 2 ? true : undefined), "the processes of the session")
    const ran = await host.run("container", "checkpoint", "odd")
    const told =
      /: (Error \(criu\/tty\.c:\d+\): tty: Only one slave external peer is allowed.*), see (\/\S+dump\.log)\n$/.exec(
        ran.stderr,
      )
    const [, errorLine = "no error", log = ""] = told ?? []
    expect(ran.status).toBe(125)
    expect(fs.readFileSync(log, "utf8")).toContain(errorLine)
    await host.beyond("odd", await host.last("odd"))
  })

  it("what cannot be meant is refused before anything stands still", async () => {
    for (const [option, said] of [
      [["--ghost-limit", "lots"], /--ghost-limit does not know "lots", give a size from 0 to 4294967295 bytes/],
      [["--network-lock", "bpf"], /--network-lock does not know "bpf", give iptables, nftables or skip/],
    ] as const) {
      const ran = await host.run("container", "checkpoint", ...option, "nobody")
      expect([ran.status, ran.stderr]).toEqual([125, expect.stringMatching(said)])
    }
  })
})
