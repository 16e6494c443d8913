/** `--volume`, `--mount` and `--tmpfs`, held against what Podman 5.4.2 makes of the same words. */
import * as Result from "effect/Result"
import { describe, expect, it } from "vitest"
import {
  completeMountOptions,
  type ContainerMount,
  parseMountFlag,
  parseTmpfsFlag,
  parseVolumeFlag,
  requestedMounts,
} from "../../src/index.ts"

const noFlags = { noexec: false, nosuid: false, nodev: false }

/** As `inspect` shows it in HostConfig.Binds and Tmpfs. */
const shown = (mount: ContainerMount): string => {
  const options = completeMountOptions(mount.type, mount.options, mount.type === "bind" ? noFlags : undefined).join(",")
  const source = mount.type === "bind" ? mount.source : mount.type === "volume" ? mount.name || "ANON" : "tmpfs"
  return `${mount.type} ${source}:${mount.destination}:${options}`
}

const outcome = (parsed: Result.Result<ContainerMount, { readonly message: string }>): string =>
  Result.isSuccess(parsed) ? shown(parsed.success) : parsed.failure.message

describe("--volume", () => {
  it.each([
    ["a:/b", "volume a:/b:rw,rprivate,nosuid,nodev,rbind"],
    ["/b", "volume ANON:/b:rw,rprivate,nosuid,nodev,rbind"],
    ["/tmp:/b", "bind /tmp:/b:rw,rprivate,rbind"],
    ["/tmp:/b:ro,z", "bind /tmp:/b:ro,z,rprivate,rbind"],
    ["a:/b:U", "volume a:/b:U,rw,rprivate,nosuid,nodev,rbind"],
    ["a:/b:exec,suid,dev", "volume a:/b:exec,suid,dev,rw,rprivate,rbind"],
    ["a:/b:noexec,nosuid,nodev", "volume a:/b:noexec,nosuid,nodev,rw,rprivate,rbind"],
    ["a:/b:shared", "volume a:/b:shared,rw,nosuid,nodev,rbind"],
    ["a:/b:rshared", "volume a:/b:rshared,rw,nosuid,nodev,rbind"],
    ["a:/b:nocopy", "volume a:/b:nocopy,rw,rprivate,nosuid,nodev,rbind"],
    ["a:/b:copy", "volume a:/b:copy,rw,rprivate,nosuid,nodev,rbind"],
    ["a:/b:rbind", "volume a:/b:rbind,rw,rprivate,nosuid,nodev"],
    ["/tmp:/b:bind", "bind /tmp:/b:bind,rw,private"],
    ["/tmp:/b:copy", "bind /tmp:/b:copy,rw,rprivate,rbind"],
    ["/tmp:/b:cached", "bind /tmp:/b:rw,rprivate,rbind"],
    ["a:/b/../c/", "volume a:/c:rw,rprivate,nosuid,nodev,rbind"],
    ["a:/", "volume a:/:rw,rprivate,nosuid,nodev,rbind"],
    ["relative", 'invalid container path "relative", must be an absolute path'],
    ["/a:rel", 'invalid container path "rel", must be an absolute path'],
    ["a:/b:c:d", "a:/b:c:d: incorrect volume format, should be [host-dir:]ctr-dir[:option]"],
    ["a:/b:bogus", 'invalid option type "bogus"'],
    ["a:/b:ro,rw", `invalid options "ro, rw", can only specify 1 'rw' or 'ro' option`],
    ["a:/b:z,Z", `invalid options "z, Z", can only specify 1 'z', 'Z', or 'O' option`],
    ["a:/b:noexec,exec", `invalid options "noexec, exec", can only specify 1 'noexec' or 'exec' option`],
    [
      "a:/b:shared,slave",
      `invalid options "shared, slave", can only specify 1 '[r]shared', '[r]private', '[r]slave' or '[r]unbindable' option`,
    ],
    ["/tmp:/b:rbind,bind", `invalid options "rbind, bind", can only specify 1 '[r]bind' option`],
    [":/b", "host directory cannot be empty"],
    ["a:", "container directory cannot be empty"],
    ["", "container directory cannot be empty"],
    ["a:/b:O", "overlays and mapped owners of a volume are not available here: O"],
    ["a:/b:idmap", "overlays and mapped owners of a volume are not available here: idmap"],
  ])("%s", (text, expected) => {
    expect(outcome(parseVolumeFlag(text))).toBe(expected)
  })
})

describe("--tmpfs", () => {
  it.each([
    ["/b", "tmpfs tmpfs:/b:rw,rprivate,nosuid,nodev,tmpcopyup"],
    ["/b:rw,noexec,nosuid,size=10m", "tmpfs tmpfs:/b:rw,noexec,nosuid,size=10m,rprivate,nodev,tmpcopyup"],
    ["/t2:size=1m,mode=700,ro", "tmpfs tmpfs:/t2:size=1m,mode=700,ro,rprivate,nosuid,nodev,tmpcopyup"],
    ["/b:notmpcopyup", "tmpfs tmpfs:/b:rw,rprivate,nosuid,nodev"],
    ["b", 'invalid container path "b", must be an absolute path'],
    ["/b:bogus", 'unknown mount option "bogus": invalid mount option'],
    ["/b:size=10m,size=20m", "only one tmpfs size can be specified: duplicate mount option passed"],
    ["/b:mode=1777,uid=3", 'unknown mount option "uid=3": invalid mount option'],
  ])("%s", (text, expected) => {
    expect(outcome(parseTmpfsFlag(text))).toBe(expected)
  })
})

const mountFormat =
  "incorrect mount format: should be --mount type=<bind|glob|tmpfs|volume>,[src=<host-dir|volume-name>,]target=<ctr-dir>[,options]"

describe("--mount", () => {
  it.each([
    ["type=bind,src=/tmp,dst=/b", "bind /tmp:/b:rw,rprivate,rbind"],
    ["type=bind,source=/tmp,target=/b,ro", "bind /tmp:/b:ro,rprivate,rbind"],
    ["type=bind,src=/tmp,destination=/b,ro=false", "bind /tmp:/b:rw,rprivate,rbind"],
    ["type=bind,src=/tmp,dst=/b,rw=false", "bind /tmp:/b:ro,rprivate,rbind"],
    ["type=bind,src=/tmp,dst=/b,bind-nonrecursive", "bind /tmp:/b:bind,rw,private"],
    ["type=bind,src=/tmp,dst=/b,bind-nonrecursive=true", "bind /tmp:/b:bind,rw,private"],
    ["type=bind,src=/tmp,dst=/b,relabel=shared", "bind /tmp:/b:z,rw,rprivate,rbind"],
    ["type=bind,src=/tmp,dst=/b,bind-propagation=shared", "bind /tmp:/b:shared,rw,rbind"],
    ["type=bind,src=/tmp,dst=/b,consistency=cached", "bind /tmp:/b:rw,rprivate,rbind"],
    ["type=bind,src=/tmp,dst=/b,chown,exec,nosuid", "bind /tmp:/b:U,exec,nosuid,rw,rprivate,rbind"],
    ['type=bind,"src=/tmp/a,b",dst=/b', "bind /tmp/a,b:/b:rw,rprivate,rbind"],
    ["type=bind,dst=/b", "bind /b:/b:rw,rprivate,rbind"],
    ["type=volume,dst=/b", "volume ANON:/b:rw,rprivate,nosuid,nodev,rbind"],
    ["type=volume,src=a,dst=/b,ro", "volume a:/b:ro,rprivate,nosuid,nodev,rbind"],
    ["type=volume,source=mv,destination=/m2,readonly,U=true", "volume mv:/m2:ro,U,rprivate,nosuid,nodev,rbind"],
    ["type=tmpfs,dst=/b", "tmpfs tmpfs:/b:rw,rprivate,nosuid,nodev,tmpcopyup"],
    [
      "type=tmpfs,dst=/b,tmpfs-size=1m,tmpfs-mode=700,noexec",
      "tmpfs tmpfs:/b:size=1m,mode=700,noexec,rw,rprivate,nosuid,nodev,tmpcopyup",
    ],
    ["type=tmpfs,dst=/b,tmpcopyup", "tmpfs tmpfs:/b:tmpcopyup,rw,rprivate,nosuid,nodev"],
    ["type=tmpfs,dst=/b,notmpcopyup,ro,U", "tmpfs tmpfs:/b:ro,U,rprivate,nosuid,nodev"],
    ["type=bogus,src=a,dst=/b", 'invalid filesystem type "bogus"'],
    ["src=a,dst=/b", mountFormat],
    ["", mountFormat],
    ["type=bind,src=/tmp", "must set volume destination"],
    ["type=tmpfs", "must set volume destination"],
    ["type=bind,src=/tmp,dst=/b,bogus", "bogus: invalid mount option"],
    ["type=bind,src=/tmp,dst=/b,propagation=shared", "propagation: invalid mount option"],
    ["type=volume,name=a,dst=/b", "name: invalid mount option"],
    ["type=volume,src=a,dst=/b,nocopy", "nocopy: invalid mount option"],
    ["type=tmpfs,dst=/b,size=1m", "size: invalid mount option"],
    [
      "type=bind,src=/tmp,dst=/b,readonly=true,rw",
      "cannot pass 'readonly', 'ro', or 'rw' mnt.Options more than once: must provide an argument for option",
    ],
    [
      "type=bind,src=/tmp,dst=/b,U=true,nodev,dev",
      "cannot pass 'nodev' and 'dev' mnt.Options more than once: must provide an argument for option",
    ],
    [
      "type=bind,src=/tmp,dst=/b,relabel=bogus",
      "relabel mount option must be 'private' or 'shared': invalid mount option",
    ],
    ["type=volume,src=a,dst=/b,volume-label=x", "the --volume-label option is not presently implemented"],
    ["type=volume,src=a,dst=/b,tmpfs-size=1", '"tmpfs-size" option not supported for "volume" mount types'],
    ["type=tmpfs,src=a,dst=/b", '"src" option not supported for "tmpfs" mount types'],
    ["type=tmpfs,dst=/b,tmpfs-size", "tmpfs-size: must provide an argument for option"],
    ["type=bind,type=bind,src=/tmp,dst=/b", "type: invalid mount option"],
    ["type=bind,src=/tmp,dst=b", 'invalid container path "b", must be an absolute path'],
    ["type=image,src=base,dst=/b", "mounts of this type are not available here: image"],
  ])("%s", (text, expected) => {
    expect(outcome(parseMountFlag(text))).toBe(expected)
  })
})

describe("all of a container's mounts", () => {
  const wanted = (
    flags: Partial<Parameters<typeof requestedMounts>[0]["flags"]>,
    imageVolumes: ReadonlyArray<string> = [],
    inherited: ReadonlyArray<ContainerMount> = [],
  ) =>
    Result.match(
      requestedMounts({
        flags: { volume: [], mount: [], tmpfs: [], imageVolume: "anonymous", ...flags },
        imageVolumes,
        inherited,
      }),
      { onSuccess: (mounts) => mounts.map(shown).join(" "), onFailure: ({ message }) => message },
    )

  it.each([
    [{ volume: ["a:/b", "c:/b"] }, "/b: duplicate mount destination"],
    [{ volume: ["/b", "c:/b/"] }, "/b: duplicate mount destination"],
    [{ volume: ["a:/b"], tmpfs: ["/b"] }, "/b: duplicate mount destination"],
    [{ volume: ["a:/b"], mount: ["type=bind,src=/tmp,dst=/b"] }, "/b: duplicate mount destination"],
    [{ imageVolume: "bogus" }, 'invalid image volume mode "bogus" required value: anonymous, tmpfs, ignore'],
  ])("%j are refused", (flags, message) => {
    expect(wanted(flags)).toBe(message)
  })

  it("an image's volumes give way to flags and to other containers' mounts", () => {
    expect(
      wanted(
        { volume: ["a:/data"] },
        ["/data", "/cache", "/log/"],
        [{ type: "bind", source: "/srv", destination: "/cache", options: ["ro", "rprivate", "rbind"] }],
      ),
    ).toBe(
      "volume a:/data:rw,rprivate,nosuid,nodev,rbind bind /srv:/cache:ro,rprivate,rbind volume ANON:/log:rprivate,rw,nodev,exec,nosuid,rbind",
    )
  })

  it("an image's volumes can be memory, or nothing", () => {
    expect(wanted({ imageVolume: "tmpfs" }, ["/data"])).toBe(
      "tmpfs tmpfs:/data:rprivate,rw,nodev,exec,nosuid,tmpcopyup",
    )
    expect(wanted({ imageVolume: "ignore" }, ["/data"])).toBe("")
  })
})
