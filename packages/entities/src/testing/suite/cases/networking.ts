/** Containers on networks: what is asked for is what is told of them, and what they have again after a restore. */
import { expect } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { ContainerEngine } from "../../../ContainerEngine.ts"
import type { CreateOptions } from "../../../options/CreateOptions.ts"
import { defaultRestore, type RestoreOptions } from "../../../options/RestoreOptions.ts"
import { Selection } from "../../../Selection.ts"
import {
  createOptions,
  created,
  discard,
  discardImageLater,
  discardLater,
  failureOf,
  one,
  running,
  unique,
} from "../Bench.ts"
import type { Case } from "../Case.ts"
import { checkpointing } from "./checkpoints.ts"

const network = "podman"
const mac = "92:d0:c6:0a:29:33"

/** What a container has on the default network. */
const placeOf = Effect.fnUntraced(function* (ref: string) {
  const { NetworkSettings } = yield* (yield* ContainerEngine).inspect(ref)
  const { IPAddress = "", MacAddress = "" } = NetworkSettings.Networks?.[network] ?? {}
  return { ip: IPAddress, mac: MacAddress }
})

/** A container frozen into an image, and gone. */
const frozen = Effect.fnUntraced(function* (options: Partial<CreateOptions>) {
  const image = unique("networked")
  const id = yield* running(options)
  const place = yield* placeOf(id)
  yield* discardImageLater(image)
  one(yield* checkpointing(id, { target: { _tag: "Image", name: image } }))
  yield* discard(id)
  return { id, image, place }
})

const restored = Effect.fnUntraced(function* (image: string, options: Partial<RestoreOptions>) {
  const restoring = (yield* ContainerEngine).restore(Selection.names(image), { ...defaultRestore, ...options })
  const { Id } = one(yield* restoring)
  yield* discardLater(Id)
  return Id
})

export const networking: ReadonlyArray<Case> = [
  {
    name: "a container is on the default network, with an address nobody else has",
    run: Effect.gen(function* () {
      const engine = yield* ContainerEngine
      const places = [yield* placeOf(yield* running()), yield* placeOf(yield* running())]
      for (const { ip } of places) expect(ip).toMatch(/^10\.88\.\d+\.\d+$/)
      expect(new Set(places.map(({ ip }) => ip)).size).toBe(2)
      expect(new Set(places.map((place) => place.mac)).size).toBe(2)
      const id = yield* created()
      expect(yield* placeOf(id)).toEqual({ ip: "", mac: "" })
      expect((yield* engine.inspect(id)).HostConfig.NetworkMode).toBe("bridge")
    }),
  },
  {
    name: "a container has the addresses and names that it asks for",
    run: Effect.gen(function* () {
      const engine = yield* ContainerEngine
      const id = yield* running({ ip: "10.88.77.7", macAddress: mac, networkAlias: ["db"] })
      expect(yield* placeOf(id)).toEqual({ ip: "10.88.77.7", mac })
      const { NetworkSettings } = yield* engine.inspect(id)
      expect(NetworkSettings).toMatchObject({ IPAddress: "10.88.77.7", IPPrefixLen: 16, Gateway: "10.88.0.1" })
      expect(NetworkSettings.Networks?.[network]?.Aliases).toEqual(["db", id.slice(0, 12)])
      const other = yield* running({ network: [`${network}:ip=10.88.77.8,mac=92-D0-C6-0A-29-34,alias=a,alias=b`] })
      expect(yield* placeOf(other)).toEqual({ ip: "10.88.77.8", mac: "92:d0:c6:0a:29:34" })
      const third = yield* created({ network: [network], ip: "10.88.77.7" })
      const [item] = yield* engine.start(Selection.names(third))
      expect(item?.result).toMatchObject({
        _tag: "Failure",
        failure: {
          message: `IPAM error: requested ip address 10.88.77.7 is already allocated to container ID ${id}`,
        },
      })
      const { State } = yield* engine.inspect(third)
      expect(State.Status).toBe("created")
    }),
  },
  {
    name: "ports are published, offered, and told",
    run: Effect.gen(function* () {
      const engine = yield* ContainerEngine
      const id = yield* created({ publish: ["31080-31081:80-81", "127.0.0.1:31053:53/udp"], expose: ["70"] })
      const published = {
        "53/udp": [{ HostIp: "127.0.0.1", HostPort: "31053" }],
        "80/tcp": [{ HostIp: "0.0.0.0", HostPort: "31080" }],
        "81/tcp": [{ HostIp: "0.0.0.0", HostPort: "31081" }],
      }
      const { HostConfig, NetworkSettings } = yield* engine.inspect(id)
      expect(HostConfig.PortBindings).toEqual(published)
      expect(NetworkSettings.Ports).toEqual({ ...published, "70/tcp": null })
      expect(yield* engine.port(id)).toEqual([
        "53/udp -> 127.0.0.1:31053",
        "80/tcp -> 0.0.0.0:31080",
        "81/tcp -> 0.0.0.0:31081",
      ])
      const drawn = yield* created({ publish: ["90"], publishAll: true, expose: ["91/udp"] })
      expect(yield* engine.port(drawn)).toEqual([
        expect.stringMatching(/^90\/tcp -> 0\.0\.0\.0:\d+$/),
        expect.stringMatching(/^91\/udp -> 0\.0\.0\.0:\d+$/),
      ])
      // without a network of its own there is nothing that a port could lead to
      expect(yield* engine.port(yield* created({ network: ["none"], publish: ["31090:90"] }))).toEqual([])
    }),
  },
  {
    name: "a container finds names as it is told to",
    run: Effect.gen(function* () {
      const engine = yield* ContainerEngine
      const id = yield* created({
        dns: ["1.1.1.1"],
        dnsSearch: ["example.org"],
        dnsOption: ["ndots:3"],
        addHost: ["db:10.1.1.1"],
      })
      expect((yield* engine.inspect(id)).HostConfig).toMatchObject({
        Dns: ["1.1.1.1"],
        DnsOptions: ["ndots:3"],
        DnsSearch: ["example.org"],
        ExtraHosts: ["db:10.1.1.1"],
      })
      expect((yield* engine.inspect(yield* created({ noHosts: true }))).HostsPath).toBe("")
    }),
  },
  {
    name: "what a container cannot have of networks is refused",
    run: Effect.gen(function* () {
      const engine = yield* ContainerEngine
      const refusals: ReadonlyArray<readonly [Partial<CreateOptions>, string]> = [
        [{ network: ["nope"] }, "unable to find network with name or ID nope: network not found"],
        [
          { network: ["host", network] },
          "cannot set multiple networks without bridge network mode, selected mode host",
        ],
        [{ network: [network, "host"] }, "can only set extra network names, selected mode host conflicts with bridge"],
        [{ network: [`${network}:ip=1`] }, `invalid option for network ${network}: invalid ip address "1"`],
        [{ network: [":ip=1.2.3.4"] }, "network name cannot be empty"],
        [{ network: ["none"], ip: "10.88.0.3" }, "--ip can only be set when the network mode is bridge"],
        [{ network: ["host"], networkAlias: ["x"] }, "--network-alias can only be set when the network mode is bridge"],
        [{ ip6: "foo" }, '"foo" is not an ip address'],
        [{ macAddress: "zz" }, "address zz: invalid MAC address"],
        [{ publish: ["80-82:80-81"] }, "host and container port ranges have different lengths: 3 vs 2"],
        [
          { expose: ["foo"] },
          'invalid range format for --expose: foo: strconv.ParseUint: parsing "foo": invalid syntax',
        ],
        [{ dns: ["none", "1.1.1.1"] }, "none is not allowed to be specified with other DNS ip addresses"],
        [{ addHost: ["foo"] }, 'bad format for add-host: "foo"'],
        [{ addHost: ["a:1.2.3.4"], noHosts: true }, "--no-hosts and --add-host cannot be set together"],
      ]
      for (const [options, text] of refusals) {
        const { message } = yield* failureOf(engine.create(yield* createOptions(options)))
        expect(message).toContain(text)
      }
    }),
  },
  {
    name: "a container has its addresses again where it goes on, and others under another name",
    run: Effect.gen(function* () {
      const { id, image, place } = yield* frozen({})
      expect(yield* restored(image, {})).toBe(id)
      expect(yield* placeOf(id)).toEqual(place)
      const clone = yield* placeOf(yield* restored(image, { name: unique("clone") }))
      expect(clone.ip).toMatch(/^10\.88\./)
      expect(clone.ip).not.toBe(place.ip)
      expect(clone.mac).not.toBe(place.mac)
    }),
  },
  {
    name: "a restore forgets the addresses that a container asked for when it is told to",
    run: Effect.gen(function* () {
      const { image, place } = yield* frozen({ ip: "10.88.77.9", macAddress: mac })
      expect(place).toEqual({ ip: "10.88.77.9", mac })
      const first = yield* restored(image, { ignoreStaticIp: true })
      const without = yield* placeOf(first)
      expect(without.mac).toBe(mac)
      expect(without.ip).not.toBe(place.ip)
      yield* discard(first)
      const other = yield* placeOf(yield* restored(image, { ignoreStaticMac: true }))
      expect(other.ip).toBe(place.ip)
      expect(other.mac).not.toBe(mac)
    }),
  },
  {
    name: "ports that are given at a restore take the place of those that there were",
    run: Effect.gen(function* () {
      const engine = yield* ContainerEngine
      const { id, image } = yield* frozen({ publish: ["31082:80"] })
      expect(yield* engine.port(yield* restored(image, { publish: ["31083:81"] }))).toEqual(["81/tcp -> 0.0.0.0:31083"])
      yield* discard(id)
      expect(yield* engine.port(yield* restored(image, {}))).toEqual(["80/tcp -> 0.0.0.0:31082"])
    }),
  },
]
