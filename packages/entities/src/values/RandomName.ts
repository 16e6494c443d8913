/** Names for containers whose maker gave none. */
import { randomInt } from "node:crypto"

const qualities = (
  "amber arctic bold brisk bright calm clear cold crisp deep dry early eager fair fast fine firm fond frosty gentle glad " +
  "grand icy jolly keen kind light lively lucid mild neat nimble noble pale patient polar proud quick quiet rapid ready " +
  "sharp silent silver sleek snowy solid steady still sturdy sunny swift tidy vivid warm white wise"
).split(" ")

const things = (
  "aurora badger beluga birch bison boreal canyon caribou cedar comet crane crater delta drift eider ember falcon fern " +
  "fjord floe fox frost garnet geyser glacier harbor hare harrier heron iceberg ibex juniper kelp krill lagoon lark larch " +
  "lemming lichen lynx marten moraine moss narwhal orca osprey otter owl penguin petrel pine plover puffin quartz raven " +
  "reef ridge seal skua spruce tern tundra vole walrus willow wolf wren"
).split(" ")

/** As `still_glacier42`: unique enough that a clash is rare; the database refuses one. */
export const randomName = (): string =>
  `${qualities[randomInt(qualities.length)]}_${things[randomInt(things.length)]}${randomInt(10, 1000)}`
