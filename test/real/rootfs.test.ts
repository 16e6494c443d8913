/** What a container changed in its root filesystem is there again after create-image, rm and restore. */
import { execFileSync } from "node:child_process"
import * as fs from "node:fs"
import { join } from "node:path"
import { afterAll, beforeAll, expect, it } from "vitest"
import { Host } from "./support/Host.ts"
import { importBase } from "./support/workloads.ts"

let host: Host
beforeAll(async () => {
  host = await Host.make()
  await importBase(host, (rootfs) => {
    fs.mkdirSync(join(rootfs, "srv/tree/deep"), { recursive: true })
    fs.mkdirSync(join(rootfs, "srv/opaque/inner"), { recursive: true })
    for (const [path, text] of [
      ["srv/modified", "old"],
      ["srv/deleted", "gone"],
      ["srv/tree/deep/file", "below"],
      ["srv/opaque/old", "hidden"],
      ["srv/opaque/same", "first"],
      ["srv/opaque/inner/old", "hidden"],
      ["srv/becomes-directory", "file"],
    ] as const) {
      fs.writeFileSync(join(rootfs, path), text)
    }
  })
})
afterAll(() => host.dispose())

/** Every path below /srv with type, mode, owner, size, links, target, content and attributes. */
const listing = async (): Promise<string> =>
  host.ok(
    "exec",
    "work",
    "sh",
    "-c",
    `cd /srv; find . | sort | while read -r p; do
       stat -c '%n %F %a %u:%g %Y' "$p"
       [ -d "$p" ] || stat -c '%h' "$p"
       [ -L "$p" ] && readlink "$p"
       [ -f "$p" ] && [ ! -L "$p" ] && md5sum < "$p"
     done; true`,
  )

const changes = `
  cd /srv
  echo new > modified; rm deleted; echo added > added
  rm -r tree; echo 'a file now' > tree
  rm becomes-directory; mkdir becomes-directory; echo inside > becomes-directory/file
  rm -r opaque; mkdir opaque; echo fresh > opaque/fresh; echo second > opaque/same; mkdir opaque/inner; echo new > opaque/inner/new
  mkdir 'odd names'; echo x > 'odd names/a b'; echo y > 'odd names/tab	and
newline'
  echo owned > owned; chown 1234:4321 owned; chmod 4751 owned
  echo linked > hard1; ln hard1 hard2; ln -s /srv/modified soft; ln -s nowhere dangling
  mkfifo pipe; mknod null c 1 3
  dd if=/dev/zero of=sparse bs=1 count=1 seek=104857600 2>/dev/null; printf middle | dd of=sparse bs=1 seek=50000000 conv=notrunc 2>/dev/null
  : > empty; mkdir -m 700 private; touch -d '2001-02-03 04:05:06' dated
  sync
`

it("keeps every kind of change", async () => {
  const id = await host.ok(
    "run",
    "-d",
    "--name",
    "work",
    "--cap-add",
    "MKNOD",
    "base",
    "sh",
    "-c",
    "while :; do sleep 1; done",
  )
  await host.ok("exec", "work", "sh", "-c", changes)
  const upper = host.path("containers", id, "upper")
  execFileSync("setfattr", ["-n", "user.note", "-v", "0x00ff80c3fe", join(upper, "srv/added")])
  execFileSync("setfattr", [
    "-n",
    "security.capability",
    "-v",
    "0x0100000280ff00000000000000000000000000ff",
    join(upper, "srv/owned"),
  ])
  const before = await listing()
  const diffBefore = (await host.ok("diff", "work")).split("\n")
  expect(diffBefore).toContain("C /srv/modified")
  expect(diffBefore).toContain("D /srv/deleted")
  expect(diffBefore).toContain("A /srv/added")
  expect(diffBefore).toContain("D /srv/opaque/old")
  expect(diffBefore).toContain("D /srv/opaque/inner/old")
  expect(diffBefore).toContain("C /srv/opaque/same")

  await host.ok("container", "checkpoint", "--create-image", "work:1", "work")
  await host.ok("rm", "work")
  await host.ok("container", "restore", "work:1")

  expect(await listing()).toBe(before)
  // CRIU makes and removes a directory in /tmp of what it restores
  const diffAfter = (await host.ok("diff", "work")).split("\n").filter((line) => line !== "C /tmp")
  expect(diffAfter.toSorted()).toEqual(diffBefore.toSorted())
  expect(await host.ok("exec", "work", "cat", "/srv/modified")).toBe("new")
  expect((await host.run("exec", "work", "cat", "/srv/deleted")).status).toBe(1)
  expect(await host.ok("exec", "work", "ls", "/srv/opaque")).toBe("fresh\ninner\nsame")
  const sparse = fs.statSync(join(upper, "srv/sparse"))
  expect(sparse.size).toBe(104_857_601)
  expect(sparse.blocks * 512).toBeLessThan(1_000_000)
  expect(fs.statSync(join(upper, "srv/hard1")).ino).toBe(fs.statSync(join(upper, "srv/hard2")).ino)
  const attribute = (name: string, path: string) =>
    execFileSync("getfattr", ["--only-values", "-n", name, join(upper, path)]).toString("hex")
  expect(attribute("user.note", "srv/added")).toBe("00ff80c3fe")
  expect(attribute("security.capability", "srv/owned")).toBe("0100000280ff00000000000000000000000000ff")
})

it("keeps it over a second freeze of the thawed container", async () => {
  const before = await listing()
  await host.ok("exec", "work", "sh", "-c", "rm /srv/added; echo again > /srv/again")
  await host.ok("container", "checkpoint", "--create-image", "work:2", "work")
  await host.ok("rm", "work")
  await host.ok("container", "restore", "work:2")
  const after = await listing()
  expect(after).toContain("./again regular file")
  expect(after).not.toContain("./added ")
  expect(after).toContain(before.split("\n").find((line) => line.startsWith("./opaque/fresh ")))
})
