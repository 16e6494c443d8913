/** Root filesystems and programs for tests: small, static, and able to prove that they survived. */
import { execFileSync } from "node:child_process"
import * as fs from "node:fs"
import { dirname, join } from "node:path"
import type { Host } from "./Host.ts"

/** Prints 0, 1, 2, …, ten a second. */
export const counter = ["sh", "-c", "i=0; while :; do echo $i; i=$((i+1)); sleep 0.1; done"]

/** Prints 1000000, 1000001, … from another program, so that one cannot be taken for the other. */
export const millions = ["sh", "-c", "n=1000000; while true; do echo $n; n=$((n+1)); usleep 100000; done"]

/** A root filesystem with busybox and nothing else. */
export const installBusybox = (rootfs: string): void => {
  for (const directory of ["bin", "etc", "tmp", "root", "var"])
    fs.mkdirSync(join(rootfs, directory), { recursive: true })
  fs.copyFileSync("/bin/busybox", join(rootfs, "bin/busybox"))
  for (const applet of execFileSync("/bin/busybox", ["--list"], { encoding: "utf8" }).trim().split("\n")) {
    if (applet !== "busybox") fs.symlinkSync("busybox", join(rootfs, "bin", applet))
  }
  fs.writeFileSync(join(rootfs, "etc/passwd"), "root:x:0:0:root:/root:/bin/sh\n")
  fs.writeFileSync(join(rootfs, "etc/group"), "root:x:0:\n")
}

/** The same as an image named `base`; `extend` may add to it first. */
export const importBase = async (
  host: Host,
  extend: (rootfs: string) => void = () => undefined,
  name = "base",
): Promise<void> => {
  const rootfs = join(host.directory, "rootfs")
  installBusybox(rootfs)
  extend(rootfs)
  const archive = join(host.directory, "base.tar")
  execFileSync("tar", ["--xattrs", "-C", rootfs, "-cf", archive, "."])
  fs.rmSync(rootfs, { recursive: true })
  await host.ok("import", "--change", 'CMD ["sh"]', archive, name)
}

/** A program of this machine, with the libraries it needs. */
export const copyProgram = (program: string, rootfs: string): void => {
  const libraries = execFileSync("ldd", [program], { encoding: "utf8" }).match(/\/\S+/g) ?? []
  for (const file of [program, ...libraries]) {
    fs.mkdirSync(join(rootfs, dirname(file)), { recursive: true })
    fs.copyFileSync(file, join(rootfs, file))
  }
}
