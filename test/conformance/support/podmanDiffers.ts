/** Cases of the suite that Podman's service (5.4.2) answers otherwise, each with why. */
import type { Lack, Lacks } from "@cryopod/entities/testing/suite"
import { casesOfRounds } from "./ground.ts"

export const podmanLacks = {
  memoryTracking: { because: "Podman's service takes no archive of a pre-checkpoint", cases: casesOfRounds },
  tcpClose: {
    because: "Podman 5.4.2 does not know --tcp-close",
    cases: ["a connection that was frozen is closed at the restore"],
  },
} satisfies Lacks

export const podmanDiffers: ReadonlyArray<Lack> = [
  {
    because: "a failure of Podman's service is a text, which is told as it stands",
    cases: [
      "a container is refused for its name, its values, its image",
      "a program that is not there leaves a container that has not run, and says why",
      "a container is renamed, but not to a name that is taken or no name",
      "a list is filtered by name, label, state, image and exit code",
      "a container that holds a file lock is frozen only when told so, and runs on otherwise",
      "a container with a TCP connection is frozen only when told so, and runs on otherwise",
      "a name that no image can have is refused before anything is frozen",
      "checkpoints in two rounds are refused where memory is not tracked",
      "what runs, what was never frozen, and what is not there are refused",
      "a name and an id that are taken are refused, and nothing is left of the attempt",
      "a connection that was frozen is restored only when told so",
      "an archive is taken in under a new name",
      "what is no archive, or is cut off, is refused and leaves nothing",
      "an archive that is none leaves no image",
      "an image has as many names as it is given, and a name only one image",
      "images are listed, and filtered",
      "an image goes to a registry and comes back the same",
      "a registry that wants a login gets it, from the caller or from a file",
      "an image is removed by its last name; one with more names, or in use, only by force",
      "a volume is refused for its name, its driver, or one that is there already, unless that is fine",
      "a container mounts what another one does",
    ],
  },
  {
    because: "Podman's service makes everything with its own runtime",
    cases: [
      "a container has the runtime that is named for it, or else the engine's own",
      "a checkpoint is restored with the runtime that it needs, and refused when another one is insisted on",
    ],
  },
  {
    because: "Podman's service speaks of where it has put the context",
    cases: ["what a build says of its context calls that what the caller does"],
  },
  {
    because: "a program that cannot be started is told by its exit code and a line of its output",
    cases: ["a program that is not there, and a container that does not run, are told apart"],
  },
  {
    because: "Podman counts files that it puts into a container among those that changed",
    cases: [
      "sizes are told on request, and grow with what is written",
      "changed files are told, parents before children",
    ],
  },
  {
    because: "a log of health checks is null until the first, which systemd's timers would make",
    cases: [
      "a container is asked whether it is well, on request and at intervals",
      "health checks and the restart policy of a container go with it, and are at work again after a restore",
    ],
  },
  {
    because: "the arguments of a process are one column",
    cases: ["processes are told in the columns asked for"],
  },
  {
    because: "the row of a frozen container does not say that it has ended",
    cases: ["a checkpoint stops the container, keeps it, and says so"],
  },
  {
    because: "reports have no warnings",
    cases: ["a program beside the container is not part of its checkpoint, which says so"],
  },
  {
    because: "a container with --rm is frozen into an archive and into nothing else",
    cases: ["a container that is removed when it stops is frozen only into something that stays"],
  },
  {
    because: "a log does not leave with a checkpoint",
    cases: [
      "a container goes on from an image after it is gone, with id, name, files, memory files and log",
      "several inputs are each restored from their own, with a report each, also after a failure",
    ],
  },
  {
    because: "a restore without --file-locks loses the locks",
    cases: ["a lock that was frozen is restored only when told so"],
  },
  {
    because: "its service does not hear that volumes are to be left out of an archive",
    cases: ["an archive without changed files thaws on a fresh root filesystem"],
  },
  {
    because: "its service tells a failure of a build by its text alone",
    cases: ["a build that fails says where and with which status, and leaves no image"],
  },
  {
    because: "its service does not hear of CRIU's own options",
    cases: ["what CRIU is told beyond the usual changes nothing for a container that has no use for it"],
  },
  {
    because: "Podman has no policy for what it restores",
    cases: ["what was made here goes on with all that it had, whatever the policy for strangers says"],
  },
  {
    because: "Podman does not look into checkpoints through its service, nor at its host",
    cases: [
      "a checkpoint is seen with its processes, files and sizes, where it lies",
      "checkpoints are listed: those of containers, images, and archives of directories",
      "text and expressions are found in memory, with address and what stands around",
      "the memory of a process is given with its addresses",
      "what differs from one checkpoint to another is told",
      "whether a container would be frozen is told with what stands in the way, and nothing is changed by it",
      "whether a checkpoint would thaw here is told with what stands in the way, and nothing is changed by it",
      "what is no checkpoint is not looked into",
      "an engine says whether its host can checkpoint and restore, and looks deeper on request",
    ],
  },
  {
    because: "an address that nobody asked for is another one after a restore elsewhere",
    cases: ["a container has its addresses again where it goes on, and others under another name"],
  },
  {
    because: "an image's signal is told as a number",
    cases: ["an image is made of a root filesystem, with what it is told about running it"],
  },
  {
    because: "its service tells the layers of an image as a text",
    cases: ["the layers of an image are told from below"],
  },
  {
    because: "a filter by name finds every volume whose name holds it",
    cases: ["volumes are listed in the order of their making, and filtered"],
  },
  {
    because: "the volumes of a container with --rm go only when it has run to its end",
    cases: ["volumes that nobody named go with the container when that is wished, and with --rm"],
  },
  {
    because: "its service is on another host, which has not the directories of this one",
    cases: [
      "volumes leave with an archive and come back with it; directories of the host are told",
      "volumes that are left out are mounted as they are, or made as for a new container",
      "a restored container mounts another volume, or a directory, where the caller says so",
    ],
  },
  {
    because: "mounts in memory that an image's volumes become are not told",
    cases: ["volumes that an image declares are anonymous, in memory, or nothing"],
  },
]
