/** Programs beside those of a running container: who they are, what they may, their terminals, their streams. */
import { spawn } from "node:child_process"
import * as fs from "node:fs"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { brokenBuild } from "./support/brokenBuild.ts"
import { eventually, Host, type Ran, runCommand } from "./support/Host.ts"
import { importBase } from "./support/workloads.ts"

const extend = (rootfs: string) => {
  // a link that leads out of the root filesystem unless it is followed within
  fs.mkdirSync(join(rootfs, "real"))
  fs.writeFileSync(
    join(rootfs, "real/passwd"),
    "root:x:0:0:root:/root:/bin/sh\nguest:x:405:100:guest:/home/guest:/bin/sh\n",
  )
  fs.rmSync(join(rootfs, "etc/passwd"))
  fs.symlinkSync("/real/passwd", join(rootfs, "etc/passwd"))
  fs.writeFileSync(join(rootfs, "etc/group"), "root:x:0:\nusers:x:100:\nextra:x:200:guest\nmore:x:300:root,guest\n")
}

const bit = (name: "CAP_SYS_ADMIN" | "CAP_SYS_RESOURCE" | "CAP_CHOWN" | "CAP_NET_ADMIN") =>
  1n << { CAP_CHOWN: 0n, CAP_NET_ADMIN: 12n, CAP_SYS_ADMIN: 21n, CAP_SYS_RESOURCE: 24n }[name]

const held = () => capabilities({ stdout: fs.readFileSync("/proc/self/status", "utf8") })

/** Sets of a process, from its `status`. */
const capabilities = ({ stdout }: Pick<Ran, "stdout">) =>
  Object.fromEntries(
    [...stdout.matchAll(/^Cap(\w+):\s*([0-9a-f]+)$/gm)].map(([, set = "", mask]) => [set, BigInt(`0x${mask}`)]),
  )

describe.each(["runc", "crun"] as const)("with %s", (runtime) => {
  let host: Host
  beforeAll(async () => {
    host = await Host.make({ runtime, cgroups: runtime === "crun" ? "v2" : "host" })
    await importBase(host, extend)
    await host.ok("run", "-d", "--name", "c", "base", "sleep", "1000")
  })
  afterAll(() => host.dispose())

  const inside = (options: ReadonlyArray<string>, script: string) =>
    host.run("exec", ...options, "c", "sh", "-c", script)

  it("a user is looked up in the container, with all groups", async () => {
    const ids = async (user: string) => {
      const { status, stderr, stdout } = await inside(["--user", user], "id -u; id -g; id -G")
      expect([status, stderr]).toEqual([0, ""])
      return stdout.split("\n")
    }
    expect(await ids("guest")).toEqual(["405", "100", "100 200 300", ""])
    expect(await ids("guest:extra")).toEqual(["405", "200", "200", ""])
    expect(await ids("405")).toEqual(["405", "100", "100 200 300", ""])
    expect(await ids("1234:5678")).toEqual(["1234", "5678", "5678", ""])
    expect(await inside(["--user", "nobody-here"], "true")).toMatchObject({
      status: 255,
      stderr: expect.stringContaining("unable to find user nobody-here: no matching entries in passwd file"),
    })
    expect((await inside(["--user", "guest:nothing"], "true")).stderr).toContain("unable to find group nothing")
  })

  it("a user that is not root has no capabilities, and a privileged program what this host can give", async () => {
    const status = "cat /proc/self/status"
    const root = capabilities(await inside([], status))
    expect(root).toMatchObject({ Eff: 0x800405fbn, Prm: 0x800405fbn, Inh: 0n, Bnd: 0x800405fbn, Amb: 0n })
    expect(capabilities(await inside(["--user", "guest"], status))).toEqual({
      ...root,
      Eff: 0n,
      Prm: 0n,
      Inh: 0n,
      Amb: 0n,
    })
    expect(capabilities(await inside(["--privileged"], status))["Eff"]).toBe(held()["Bnd"])
  })

  it("so has a container's own user, with the capabilities that were asked for by name", async () => {
    const run = ["run", "--rm", "--user", "guest"]
    const status = ["base", "cat", "/proc/self/status"]
    expect(capabilities(await host.run(...run, ...status))).toMatchObject({ Eff: 0n, Prm: 0n, Bnd: 0x800405fbn })
    const added = capabilities(await host.run(...run, "--cap-add", "CHOWN", ...status))
    expect(added).toMatchObject({ Eff: bit("CAP_CHOWN"), Inh: bit("CAP_CHOWN"), Amb: bit("CAP_CHOWN") })
    const privileged = capabilities(await host.run("run", "--rm", "--privileged", ...status))
    expect(privileged["Eff"]).toBe(held()["Bnd"])
    await host.ok("run", "-d", "--name", "u", "--user", "guest", "--cap-add", "CHOWN", "base", "sleep", "100")
    expect(capabilities(await host.run("exec", "u", "cat", "/proc/self/status"))).toMatchObject({
      Eff: bit("CAP_CHOWN"),
      Amb: bit("CAP_CHOWN"),
    })
    await host.ok("rm", "-f", "-t", "0", "u")
  })

  it("variables are the container's with those given, each once", async () => {
    await host.ok("run", "-d", "--name", "v", "-e", "A=container", "-e", "B=kept", "base", "sleep", "100")
    const { stdout } = await host.run("exec", "-e", "A=session", "v", "cat", "/proc/self/environ")
    const variables = stdout.split("\0").filter((text) => /^[AB]=/.test(text))
    expect(variables.toSorted()).toEqual(["A=session", "B=kept"])
    await host.ok("rm", "-f", "-t", "0", "v")
  })

  it("a terminal that is not ours is the program's own, with input and status", async () => {
    const script = "test -t 0 && test -t 1 && read word && echo got $word && exit 9"
    const ran = await runCommand(host.command(["exec", "-it", "c", "sh", "-c", script]), "hello\n")
    expect([ran.status, ran.stdout.replaceAll("\r", "")]).toEqual([9, "hello\ngot hello\n"])
    expect((await host.run("exec", "-t", "c", "tty")).stdout).toMatch(/^\/dev\/pts\/\d+/)
  })

  it("a detached program is left at once, by its session's id, and is among those of the container", async () => {
    const began = performance.now()
    const id = await host.ok("exec", "-d", "c", "sh", "-c", "sleep 30; echo never")
    expect(performance.now() - began).toBeLessThan(10_000)
    expect(id).toMatch(/^[0-9a-f]{64}$/)
    const terminal = await host.ok("exec", "-d", "-t", "c", "sh", "-c", "tty > /tmp/tty; sleep 30")
    expect(await eventually(async () => (await inside([], "cat /tmp/tty")).stdout || undefined, "the name")).toMatch(
      /^\/dev\/pts\/\d+/,
    )
    expect(await host.inspect("c", "{{range .ExecIDs}}{{.}} {{end}}")).toBe(`${id} ${terminal}`)
    await host.ok("exec", "c", "sh", "-c", "kill $(pidof sleep | tr ' ' '\n' | grep -vx 1)")
    await eventually(async () => ((await host.inspect("c", "{{.ExecIDs}}")) === "[]" ? true : undefined), "their end")
  })

  it("a program that is not there is said once, with the shell's status where it is waited for", async () => {
    for (const options of [[], ["-d"], ["-t"], ["-d", "-t"]]) {
      const ran = await host.run("exec", ...options, "c", "no-such-program")
      // the shell's status belongs to whoever waits for the program
      const status = options.includes("-d") ? 125 : 127
      expect([options, ran.status, ran.stdout]).toEqual([options, status, ""])
      expect(ran.stderr).toMatch(/^Error: .*no-such-program.*not found\n$/)
    }
    expect(await host.inspect("c", "{{.ExecIDs}}")).toBe("[]")
  })

  it("what a program said before anybody listened is heard", async () => {
    const late = await brokenBuild({
      file: "packages/abi/src/exec/runAttached.ts",
      find: "const exited = yield* exitOf(child)",
      replace: 'const exited = yield* exitOf(child)\nyield* Effect.sleep("500 millis")',
    })
    const ran = await host.with(late).run("exec", "c", "sh", "-c", "echo out; echo err >&2")
    expect([ran.status, ran.stdout, ran.stderr]).toEqual([0, "out\n", "err\n"])
  })

  it("what a program leaves behind does not keep the command", async () => {
    // runc 1.1 waits itself until nobody has the streams any more: there it is soon given up
    const seconds = runtime === "crun" ? 20 : 1
    const began = performance.now()
    expect((await inside([], `sleep ${seconds} & echo done`)).stdout).toBe("done\n")
    expect(performance.now() - began).toBeLessThan(10_000)
    await inside([], "kill $(pidof sleep | tr ' ' '\n' | grep -vx 1)")
  })

  it("a program says no more than is taken, and is told no more than it takes", async () => {
    const [file, ...args] = host.command(["exec", "-i", "c", "sh", "-c", "yes | head -c 50000000; cat | wc -c"])
    const child = spawn(file, args, { stdio: ["pipe", "pipe", "inherit"] })
    let taken = 0
    let peak = 0
    const tail: Array<Buffer> = []
    const feeding = (async () => {
      const block = Buffer.alloc(1 << 20, "x")
      for (let sent = 0; sent < 50; sent++) {
        if (!child.stdin.write(block)) await new Promise((resolve) => child.stdin.once("drain", resolve))
      }
      child.stdin.end()
    })()
    await new Promise((resolve) => setTimeout(resolve, 500))
    for await (const chunk of child.stdout as AsyncIterable<Buffer>) {
      taken += chunk.length
      tail.push(chunk)
      if (tail.length > 3) tail.shift()
      peak = Math.max(peak, residentBytes(child.pid ?? 0))
    }
    await feeding
    const text = Buffer.concat(tail).toString("latin1")
    expect(text.slice(text.lastIndexOf("y\n") + 2)).toBe(`${50 << 20}\n`)
    expect(taken).toBeGreaterThan(50_000_000)
    expect(peak).toBeLessThan(200 << 20)
  })
})

const residentBytes = (pid: number) => {
  try {
    return Number(/^VmHWM:\s+(\d+) kB$/m.exec(fs.readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) * 1024
  } catch {
    return 0
  }
}
