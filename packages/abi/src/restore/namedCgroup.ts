/**
 * The container's own cgroup in a dump that ignored cgroups, and that crun restores.
 *
 * crun has CRIU move the restored processes, and CRIU moves them to where the dump found them: the cgroup of another container
 * when this one has a new id. With cgroups in the dump, CRIU is given a new root for them by crun.
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

/** Whether the dump says of its processes that they are in another container's cgroup. */
export const namesOtherCgroup = (imagesDirectory: string, id: string) =>
  attemptSync("read", imagesDirectory, () => {
    const path = join(imagesDirectory, `${image}.img`)
    if (!fs.existsSync(path)) return false
    const file = fs.openSync(path, "r")
    try {
      return readImage(fileSource(file), image).some(
        ({ controllers, sets }) =>
          controllers.every(({ dirs }) => dirs.length === 0) &&
          sets.some(({ ctls }) => ctls.some((ctl) => ownPath.test(ctl.path) && !ctl.path.endsWith(cgroupsPath(id)))),
      )
    } catch (cause) {
      // CRIU says what is wrong with an image that cannot be read
      if (!isImageProblem(cause)) throw cause
      return false
    } finally {
      fs.closeSync(file)
    }
  })

/** Name this container's instead. */
export const nameOwnCgroup = (imagesDirectory: string, id: string) =>
  rewriteImages(imagesDirectory, image, (source) =>
    readImage(source, image).map((entry) =>
      entryBytes(image, {
        ...entry,
        sets: entry.sets.map((set) => ({
          ...set,
          ctls: set.ctls.map((ctl) => ({ ...ctl, path: ctl.path.replace(ownPath, cgroupsPath(id)) })),
        })),
      }),
    ),
  )
