/** A container that never stops talking loses no line, whatever it is frozen into. */
import { afterAll, beforeAll, expect, it } from "vitest"
import { Host } from "./support/Host.ts"
import { counter, importBase } from "./support/workloads.ts"

const rounds = 10

/** A megabyte a second: a hundred lines of a thousand bytes, ten times. */
const talker = `
  pad=$(head -c 990 /dev/zero | tr '\\0' x); i=0
  while :; do
    n=0; while [ $n -lt 100 ]; do echo "$i $pad"; i=$((i+1)); n=$((n+1)); done
    sleep 0.1
  done`

let host: Host
beforeAll(async () => {
  host = await Host.make()
  await importBase(host)
})
afterAll(() => host.dispose())

const numbersOf = async (name: string) =>
  (await host.shell(`${host.command(["logs", name]).join(" ")} | cut -d' ' -f1`)).stdout.trim().split("\n").map(Number)

it(`over ${rounds} rounds in place and through images`, async () => {
  await host.ok("run", "-d", "--name", "talker", "base", "sh", "-c", talker)
  let seen = 1000
  for (let round = 0; round < rounds; round++) {
    await host.shell(
      `until [ $(cat ${host.path("containers")}/*/userdata/ctr.log | wc -l) -gt ${seen} ]; do sleep 0.05; done`,
    )
    seen += 1000
    if (round % 2 === 0) {
      await host.ok("container", "checkpoint", "talker")
      await host.ok("container", "restore", "talker")
    } else {
      await host.ok("container", "checkpoint", "--create-image", `talker:${round}`, "talker")
      await host.ok("rm", "talker")
      await host.ok("container", "restore", `talker:${round}`)
    }
  }
  await host.ok("stop", "-t", "0", "talker")
  const numbers = await numbersOf("talker")
  expect(numbers.length).toBeGreaterThan((rounds - 1) * 1000)
  expect(numbers.findIndex((number, at) => number !== at)).toBe(-1)
})

it("an image of a container that goes on has every line up to its instant", async () => {
  await host.ok("run", "-d", "--name", "live", "base", "sh", "-c", talker)
  for (let round = 0; round < 3; round++) {
    await host.ok("container", "checkpoint", "--leave-running", "--create-image", `live:${round}`, "live")
    await host.ok("container", "restore", "--name", `then-${round}`, `live:${round}`)
    await host.ok("stop", "-t", "0", `then-${round}`)
    const numbers = await numbersOf(`then-${round}`)
    expect(numbers.findIndex((number, at) => number !== at)).toBe(-1)
  }
  await host.ok("rm", "-ft0", "live")
})

it.each([[[]], [["--leave-running"]]])("although conmon is slow to write it down (%j)", async (options) => {
  await host.ok("run", "-d", "--name", "slow", "base", ...counter)
  await host.beyond("slow", 1)
  const conmon = Number(await host.inspect("slow", "{{.State.ConmonPid}}"))
  process.kill(conmon, "SIGSTOP")
  const heard = await host.last("slow")
  // longer than it takes to say more than was heard
  await new Promise((resolve) => setTimeout(resolve, 500))
  setTimeout(() => process.kill(conmon, "SIGCONT"), 1500)
  await host.ok("container", "checkpoint", ...options, "--create-image", "slow:1", "slow")
  await host.ok("rm", "-ft0", "slow")
  await host.ok("container", "restore", "slow:1")
  await host.beyond("slow", heard + 2)
  const numbers = await host.numbers("slow")
  expect(numbers.findIndex((number, at) => number !== at)).toBe(-1)
  await host.ok("rm", "-ft0", "slow")
})
