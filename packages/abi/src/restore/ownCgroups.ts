/**
 * The container's own cgroups, where crun restores it: nobody else's are in what CRIU is given.
 *
 * crun has CRIU move the restored processes. With no cgroups in the dump, CRIU moves them to where the dump found them: the
 * cgroup of another container when this one has a new id. With cgroups in it, CRIU is given a new root for them by crun, and
 * makes what was dumped below it: of a container that an engine on v1 has left at the root of a v2 namespace, that is the
 * whole tree of that engine, with what earlier restores have made. Nobody sees it there, so nobody would remove it.
 */
import { isImageProblem, readImage } from "@cryopod/criu"
import { attemptSync } from "@cryopod/host"
import { cgroupsPath } from "@cryopod/runtime"
import * as fs from "node:fs"
import { join } from "node:path"
import { fileSource } from "../inspection/imageFiles.ts"
import { entryBytes, rewriteImages } from "./rewriteImages.ts"

const image = "cgroup"
/** The last part of a path may be all that a host lets its containers see of it. */
const ownPath = new RegExp(`${cgroupsPath("[0-9a-f]{64}")}$`)

interface Directory {
  readonly dir_name: string
  readonly children: ReadonlyArray<unknown>
}
type Controllers = ReadonlyArray<{ readonly dirs: ReadonlyArray<Directory> }>

const hasNone = (controllers: Controllers): boolean => controllers.every(({ dirs }) => dirs.length === 0)

/** What lies below the root of the namespace is never the container's: its own has a name. */
const holdsOthers = ({ children, dir_name: name }: Directory): boolean => name === "" && children.length > 0

/** Whether the dump says of its processes that they are in another container's cgroup, or has cgroups of others. */
export const hasOtherCgroups = (imagesDirectory: string, id: string) =>
  attemptSync("read", imagesDirectory, () => {
    const path = join(imagesDirectory, `${image}.img`)
    if (!fs.existsSync(path)) return false
    const file = fs.openSync(path, "r")
    try {
      return readImage(fileSource(file), image).some(
        ({ controllers, sets }) =>
          controllers.some(({ dirs }) => dirs.some(holdsOthers)) ||
          (hasNone(controllers) &&
            sets.some(({ ctls }) => ctls.some(({ path: at }) => ownPath.test(at) && !at.endsWith(cgroupsPath(id))))),
      )
    } catch (cause) {
      // CRIU says what is wrong with an image that cannot be read
      if (!isImageProblem(cause)) throw cause
      return false
    } finally {
      fs.closeSync(file)
    }
  })

/** Name this container's instead, and leave out those of others. */
export const keepOwnCgroups = (imagesDirectory: string, id: string) =>
  rewriteImages(imagesDirectory, image, (source) =>
    readImage(source, image).map((entry) =>
      entryBytes(image, {
        ...entry,
        // where there are cgroups, the paths lead to them
        sets: hasNone(entry.controllers)
          ? entry.sets.map((set) => ({
              ...set,
              ctls: set.ctls.map((ctl) => ({ ...ctl, path: ctl.path.replace(ownPath, cgroupsPath(id)) })),
            }))
          : entry.sets,
        controllers: entry.controllers.map((controller) => ({
          ...controller,
          dirs: controller.dirs.map((directory) =>
            holdsOthers(directory) ? { ...directory, children: [] } : directory,
          ),
        })),
      }),
    ),
  )
