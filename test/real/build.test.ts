/** Images built from Containerfiles: on a base of this store, here and through a service; killed at any point they leave nothing. */
import { once } from "node:events"
import * as fs from "node:fs"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { type Change, dieHere } from "./support/brokenBuild.ts"
import { eventually, Host } from "./support/Host.ts"
import { changed, type Complaints, leftBehind, surroundings } from "./support/lost.ts"
import { proven } from "./support/proven.ts"
import { counter, importBase } from "./support/workloads.ts"

/** A context with these files; its path. */
const context = (host: Host, files: Readonly<Record<string, string>>): string => {
  const directory = fs.mkdtempSync(join(host.directory, "context-"))
  for (const [name, text] of Object.entries(files)) fs.writeFileSync(join(directory, name), text)
  return directory
}

const containerfile = `FROM base
RUN mkdir -p /data && echo built > /data/told && echo keeper:x:500:500::/:/bin/sh >> /etc/passwd
COPY --chown=keeper count.sh /count.sh
RUN chmod 755 /count.sh
VOLUME /data
CMD ["/count.sh"]
`
const script = `#!/bin/sh\n${counter[2]}\n`

describe("an image from a Containerfile", () => {
  let host: Host
  beforeAll(async () => {
    host = await Host.make()
    await importBase(host)
  })
  afterAll(() => host.dispose())

  it("runs, and its container is frozen into an image and thaws", async () => {
    const before = await surroundings(host)
    const { status, stderr, stdout } = await host.run(
      "build",
      "-t",
      "counting",
      context(host, { Containerfile: containerfile, "count.sh": script }),
    )
    expect(stderr).toBe("")
    expect(status).toBe(0)
    const lines = stdout.trim().split("\n")
    expect(lines[0]).toBe("STEP 1/6: FROM base")
    expect(lines.at(-2)).toBe("Successfully tagged localhost/counting:latest")
    expect(await host.inspect("counting", "{{.Id}}")).toBe(lines.at(-1))
    expect((await surroundings(host)).mounts).toBe(before.mounts)
    expect(await leftBehind(host)).toEqual([])

    await host.ok("run", "-d", "--network", "none", "--name", "web", "counting")
    const frozen = await host.beyond("web", 2)
    expect(await host.ok("exec", "web", "sh", "-c", "cat /data/told; stat -c '%U %a' /count.sh")).toBe(
      "built\nkeeper 755",
    )
    await host.ok("container", "checkpoint", "--create-image", "frozen", "web")
    await host.ok("rm", "-v", "web")
    await host.ok("container", "restore", "frozen")
    await host.beyond("web", frozen)
    expect(await host.ok("exec", "web", "cat", "/data/told")).toBe("built")
    await host.ok("rm", "-f", "-t", "0", "web")
  })

  it("keeps one copy of its base in the store", async () => {
    const blobs = () => fs.readdirSync(host.path("images/blobs/sha256")).length
    const before = blobs()
    await host.ok("build", "-q", "-t", "small", context(host, { Containerfile: "FROM base\nRUN touch /one\n" }))
    // a layer, a configuration, a manifest
    expect(blobs()).toBe(before + 3)
    const layers = async (name: string) =>
      JSON.parse(await host.inspect(name, "{{json .RootFS.Layers}}")) as Array<string>
    expect((await layers("small"))[0]).toBe((await layers("base"))[0])
  })

  it("takes nothing from outside of the context", async () => {
    fs.writeFileSync(join(host.directory, "secret"), "secret\n")
    const directory = context(host, { Containerfile: "FROM base\nCOPY ../secret /stolen\n" })
    fs.symlinkSync("../secret", join(directory, "link"))
    expect(await host.run("build", directory)).toMatchObject({ status: 125 })
    fs.writeFileSync(join(directory, "Containerfile"), "FROM base\nCOPY link /stolen\n")
    expect(await host.run("build", directory)).toMatchObject({ status: 125 })
  })

  it("is built by the service of another host, whose Containerfile may lie outside of the context", async () => {
    const socket = `unix://${join(host.directory, "service.sock")}`
    const service = host.spawn(`exec ${host.command(["system", "service", "-t", "0", socket]).slice(3).join(" ")}`)
    try {
      await eventually(
        async () => (fs.existsSync(join(host.directory, "service.sock")) ? true : undefined),
        "a service",
      )
      const directory = context(host, { "count.sh": script })
      const outside = join(context(host, { Elsewhere: containerfile }), "Elsewhere")
      const id = await host.ok("--url", socket, "build", "-f", outside, "-q", "-t", "far", directory)
      expect(await host.inspect("far", "{{.Id}} {{.Config.Cmd}}")).toBe(`${id} [/count.sh]`)
      fs.writeFileSync(outside, "FROM base\nRUN exit 3\n")
      const failed = await host.run("--url", socket, "build", "-f", outside, directory)
      expect(failed).toMatchObject({
        status: 3,
        stderr: 'Error: building at STEP "RUN exit 3": while running runtime: exit status 3\n',
      })
      expect(await leftBehind(host)).toEqual([])

      // a client that goes away gives its build up
      const seconds = String(200_000 + (process.pid % 100_000))
      const sleeping = context(host, { Containerfile: `FROM base\nRUN sleep ${seconds}\n` })
      const client = host.spawn(`exec ${host.command(["--url", socket, "build", sleeping]).slice(3).join(" ")}`)
      await eventually(async () => ((await running(host, seconds)).length > 0 ? true : undefined), "the instruction")
      client.kill("SIGKILL")
      await eventually(async () => ((await running(host, seconds)).length === 0 ? true : undefined), "its end")
      await eventually(async () => ((await leftBehind(host)).length === 0 ? true : undefined), "its directory to go")
    } finally {
      service.kill("SIGTERM")
      await once(service, "exit")
    }
  })
})

const images = (file: string, find: string, replace: string): Change => ({
  file: `packages/images/src/${file}`,
  find,
  replace,
})

/** Processes of a build, by a word that is on their command lines alone. */
const running = async (host: Host, word: string): Promise<ReadonlyArray<string>> =>
  (await host.shell(`pgrep -f '^sleep ${word}$' || true`)).stdout.split("\n").filter((line) => line !== "")

/** What is there after a build was killed, and after the next command. */
const afterwards = async (host: Host, before: Awaited<ReturnType<typeof surroundings>>): Promise<Complaints> => {
  await host.ok("build", "-q", "-t", "next", context(host, { Containerfile: "FROM base\nLABEL next=yes\n" }))
  await host.ok("rmi", "next")
  return [...changed(before, await surroundings(host)), ...(await leftBehind(host))]
}

describe("a build that is killed", () => {
  proven([
    {
      title: "in an instruction leaves neither processes nor mounts nor images",
      complaint: "still runs",
      protection: [images("Builder.ts", '"--pdeathsig",\n      "KILL",', '"--pdeathsig",\n      "clear",')],
      happens: async (host) => {
        const before = await surroundings(host)
        const seconds = String(100_000 + (process.pid % 100_000))
        const directory = context(host, { Containerfile: `FROM base\nRUN echo begun && sleep ${seconds}\n` })
        const build = host.spawn(`exec ${host.command(["build", directory]).slice(3).join(" ")}`)
        await eventually(
          async () => ((await running(host, seconds)).length > 0 ? true : undefined),
          "the instruction to run",
        )
        build.kill("SIGKILL")
        await once(build, "exit")
        const still = await eventually(
          async () => ((await running(host, seconds)).length === 0 ? [] : undefined),
          "its processes to end",
          5,
        ).catch(() => running(host, seconds))
        for (const pid of still) process.kill(Number(pid), "SIGKILL")
        return [...still.map((pid) => `process ${pid} still runs`), ...(await afterwards(host, before))]
      },
    },
    {
      title: "before its image is taken in leaves what the next command sweeps",
      complaint: "mounts instead of",
      // the builder's store is mounted upon itself where everybody sees it
      protection: [images("Transport.ts", '"--mount", "--propagation", "private", ...words', '"--fork", ...words')],
      happens: async (host, build) => {
        const before = await surroundings(host)
        const dies = await build(
          images("Build.ts", "const from = { _tag", `yield* Effect.sync(() => { ${dieHere} });\nconst from = { _tag`),
        )
        const ran = await dies.run(
          "build",
          "-t",
          "never",
          context(host, { Containerfile: "FROM base\nRUN touch /x\n" }),
        )
        return [
          ...(ran.status === 137 ? [] : [`it ended with ${ran.status}: ${ran.stderr}`]),
          ...(await afterwards(host, before)),
        ]
      },
    },
  ])
})
