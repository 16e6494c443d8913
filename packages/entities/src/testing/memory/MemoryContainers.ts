/** The containers of an engine in memory, behind the interface that every engine has. */
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Semaphore from "effect/Semaphore"
import * as Stream from "effect/Stream"
import type { ContainerEngineShape } from "../../ContainerEngine.ts"
import { NoSuchContainerOrImage } from "../../failures/CheckpointFailures.ts"
import {
  type ContainerAmbiguous,
  ContainerNotFound,
  ContainerStateImproper,
  NameInUse,
  NameInvalid,
  type NoContainers,
  OptionInvalid,
  SignalInvalid,
} from "../../failures/ContainerFailures.ts"
import { ImageInvalid } from "../../failures/ImageFailures.ts"
import type { ContainerFailure, CreateFailure, RestoreFailure } from "../../failures/index.ts"
import { OptionConflict } from "../../failures/OptionConflict.ts"
import { ContainerHasDependents, DependencyCheckpointed } from "../../failures/PodFailures.ts"
import type { Item } from "../../Item.ts"
import { sharedTarget } from "../../options/CheckpointOptions.ts"
import { newContainerRule, type RestoreOptions } from "../../options/RestoreOptions.ts"
import type { RestoreReport } from "../../reports/CheckpointReport.ts"
import type { ContainerSelection } from "../../Selection.ts"
import { isCheckpointImage } from "../../values/CheckpointAnnotations.ts"
import { containerFilter } from "../../values/ContainerFilter.ts"
import { isContainerName } from "../../values/ContainerName.ts"
import { findImage } from "../../values/ImageLookup.ts"
import { portLines } from "../../values/PortMapping.ts"
import { randomName } from "../../values/RandomName.ts"
import { signalNumber } from "../../values/Signal.ts"
import { checkpointContainer } from "./Checkpoints.ts"
import { inspectOf, sizesOf, summaryOf } from "./documents.ts"
import { changesOf } from "./Files.ts"
import { memoryConfig } from "./MemoryConfig.ts"
import {
  changeState,
  findContainer,
  initialState,
  instant,
  isActive,
  latestContainer,
  type MemoryContainer,
  type MemoryHost,
  newId,
} from "./MemoryHost.ts"
import { discardAnonymous, fillMemory, fillVolumes, mountTrees } from "./MemoryMounts.ts"
import { placesFor } from "./MemoryNetworks.ts"
import { dependentsOf, ownersOf } from "./MemoryNamespaces.ts"
import { restoreArchive, restoreImage, restoreInPlace } from "./Restores.ts"
import { beginningHealth } from "../../values/HealthCheck.ts"
import { checkHealth } from "./Health.ts"
import { beginRun, erase, firstProgram, stopRun } from "./Runs.ts"
import { attachTo, execDetachedIn, execIn, exitCode, logLines, tailStart } from "./Streams.ts"

type Missing = ContainerNotFound | ContainerAmbiguous

interface Selected {
  readonly input: string
  readonly found: Result.Result<MemoryContainer, Missing>
}

export const memoryContainers = (host: MemoryHost): ContainerEngineShape => {
  const find = (ref: string) => findContainer(host, ref)

  const select = (
    selection: ContainerSelection,
    eligible: (container: MemoryContainer) => boolean,
  ): Effect.Effect<ReadonlyArray<Selected>, NoContainers> => {
    const known = (container: MemoryContainer) => ({ input: container.id, found: Result.succeed(container) })
    switch (selection._tag) {
      case "All":
        return Effect.sync(() => host.containers.filter(eligible).toReversed().map(known))
      case "Latest":
        return Effect.map(latestContainer(host), (latest) => [known(latest)])
      case "Names":
        return Effect.forEach(selection.names, (input) =>
          Effect.map(Effect.result(find(input)), (found) => ({ input, found })),
        )
    }
  }

  const eachSelected = <A, E>(
    selected: ReadonlyArray<Selected>,
    work: (container: MemoryContainer) => Effect.Effect<A, E>,
  ): Effect.Effect<ReadonlyArray<Item<A, E | Missing>>> =>
    Effect.forEach(selected, ({ found, input }) =>
      Effect.map(Effect.result(Effect.flatMap(Effect.fromResult(found), work)), (result) => ({ input, result })),
    )

  /** One operation at a time on each container; one that has gone meanwhile is not there. */
  const locked =
    <A, E>(work: (container: MemoryContainer) => Effect.Effect<A, E>) =>
    (container: MemoryContainer): Effect.Effect<A, E | ContainerNotFound> =>
      container.lock.withPermits(1)(
        Effect.suspend((): Effect.Effect<A, E | ContainerNotFound> =>
          container.removed ? Effect.fail(new ContainerNotFound({ ref: container.id })) : work(container),
        ),
      )

  const each = <A, E>(
    selection: ContainerSelection,
    eligible: (container: MemoryContainer) => boolean,
    work: (container: MemoryContainer) => Effect.Effect<A, E>,
  ) => Effect.flatMap(select(selection, eligible), (selected) => eachSelected(selected, locked(work)))

  return {
    create: Effect.fnUntraced(function* (options) {
      const { image } = yield* Effect.suspend(() => Effect.fromResult(findImage(host.images, options.image)))
      if (isCheckpointImage(image.annotations)) {
        const problem = "is a checkpoint and must be started using `container restore` instead"
        return yield* new ImageInvalid({ ref: options.image, problem })
      }
      const id = yield* newId
      const config = yield* memoryConfig(host, { id, createdAt: yield* instant, image, options })
      const name = options.name === "" ? randomName() : options.name
      const taken = host.containers.find((other) => other.name === name)
      if (taken !== undefined) return yield* new NameInUse({ name, id: taken.id })
      host.containers.unshift({
        id,
        name,
        config,
        files: new Map(image.files),
        shm: new Map(),
        mounts: yield* mountTrees(host, config.mounts),
        log: [],
        lock: yield* Semaphore.make(1),
        state: initialState,
        runBegins: 0,
        run: undefined,
        health: beginningHealth,
        checkpoint: undefined,
        preCheckpoint: undefined,
        preCheckpointExported: false,
        removed: false,
        changed: yield* Deferred.make<void>(),
      })
      return { id }
    }),
    start: (selection) => each(selection, () => true, start),
    startAttached: Effect.fnUntraced(function* (ref, streams, begun) {
      const container = yield* find(ref)
      yield* locked(start)(container)
      yield* begun
      return yield* attachTo(container, streams)
    }),
    attach: (ref, streams) => Effect.flatMap(find(ref), (container) => attachTo(container, streams)),
    stop: (selection, { ignore, timeSeconds }) =>
      Effect.map(
        each(
          selection,
          ({ state }) => state.status === "running",
          Effect.fnUntraced(function* (container) {
            if (container.state.status === "paused") return yield* improper(container, "stop")
            yield* stopRun(host, container, timeSeconds)
            return container.id
          }),
        ),
        ignoring(ignore),
      ),
    kill: (selection, { signal }) =>
      each(
        selection,
        ({ state }) => state.status === "running",
        Effect.fnUntraced(function* (container) {
          const number = signalNumber(signal)
          if (number === undefined) return yield* new SignalInvalid({ signal })
          if (container.run === undefined || container.state.status !== "running") {
            return yield* improper(container, "kill")
          }
          // what asks the container to end is its user's word on it
          if (number === 9 || number === container.config.stopSignal)
            yield* changeState(container, (state) => ({ ...state, stoppedByUser: true }))
          yield* container.run.main.signal(number)
          return container.id
        }),
      ),
    pause: (selection) =>
      each(
        selection,
        ({ state }) => state.status === "running",
        Effect.fnUntraced(function* (container) {
          if (container.run === undefined || container.state.status !== "running") {
            return yield* improper(container, "pause")
          }
          yield* container.run.main.gate.close
          yield* changeState(container, (state) => ({ ...state, status: "paused" }))
          return container.id
        }),
      ),
    unpause: (selection) =>
      each(
        selection,
        ({ state }) => state.status === "paused",
        Effect.fnUntraced(function* (container) {
          if (container.run === undefined || container.state.status !== "paused") {
            return yield* improper(container, "unpause")
          }
          yield* changeState(container, (state) => ({ ...state, status: "running" }))
          yield* container.run.main.gate.open
          return container.id
        }),
      ),
    wait: (selection, { ignore, intervalMillis }) =>
      Effect.map(
        Effect.flatMap(
          select(selection, isActive),
          Effect.forEach(({ found, input }) => {
            const gone = host.exitCodes.get(input)
            const waited =
              Result.isFailure(found) && gone !== undefined
                ? Effect.succeed(gone)
                : Effect.flatMap(Effect.fromResult(found), (container) => exitCode(container, intervalMillis))
            return Effect.map(Effect.result(waited), (result) => ({ input, result }))
          }),
        ),
        ignoring(ignore),
      ),
    remove: (selection, { depend = false, force, ignore, timeSeconds, volumes = false }) =>
      Effect.map(
        Effect.flatMap(
          select(selection, () => true),
          // the newest first: what others join is older than they are
          (selected) =>
            eachSelected(
              selection._tag === "All" ? selected.toReversed() : selected,
              locked((container) => remove(container, { depend, force, timeSeconds, volumes })),
            ),
        ),
        ignoring(ignore),
      ),
    list: Effect.fnUntraced(function* (flags) {
      const { everyState, fits } = yield* Effect.fromResult(
        containerFilter(flags.filter, { nowMillis: yield* Clock.currentTimeMillis, containers: host.containers }),
      )
      const every = flags.all || flags.latest || flags.last >= 0 || everyState
      const rows = host.containers
        .filter((container) => every || isActive(container))
        .map((container) => ({ ...summaryOf(container), Size: flags.size ? sizesOf(host, container) : null }))
        .filter(fits)
      return rows.slice(0, flags.latest ? 1 : flags.last >= 0 ? flags.last : rows.length)
    }),
    exists: (ref) =>
      find(ref).pipe(
        Effect.as(true),
        Effect.catch(() => Effect.succeed(false)),
      ),
    inspect: (ref) => Effect.map(find(ref), (container) => inspectOf(host, container)),
    latest: Effect.map(latestContainer(host), ({ id }) => id),
    rename: (ref, name) =>
      Effect.flatMap(
        find(ref),
        locked(
          Effect.fnUntraced(function* (container) {
            if (!isContainerName(name)) return yield* new NameInvalid({ name })
            const taken = host.containers.find((other) => other.name === name && other !== container)
            if (taken !== undefined) return yield* new NameInUse({ name, id: taken.id })
            container.name = name
          }),
        ),
      ),
    diff: (ref) =>
      Effect.map(find(ref), ({ config, files }) =>
        changesOf(host.images.find(({ id }) => id === config.imageId)?.files ?? new Map(), files),
      ),
    top: Effect.fnUntraced(function* (ref, descriptors) {
      const container = yield* find(ref)
      if (container.state.status !== "running") return yield* improper(container, "top")
      const wanted = descriptors.length === 0 ? ["user", "pid", "args"] : descriptors.flatMap((word) => word.split(","))
      const cells: Readonly<Record<string, readonly [heading: string, value: string]>> = {
        user: ["USER", container.config.user || "root"],
        hpid: ["HPID", String(container.state.pid)],
        pid: ["PID", "1"],
        ppid: ["PPID", "0"],
        args: ["COMMAND", [...container.config.entrypoint, ...container.config.command].join(" ")],
      }
      const columns = yield* Effect.forEach(wanted, (name) => {
        const cell = cells[name]
        return cell === undefined
          ? Effect.fail(new OptionInvalid({ option: "format", value: name, problem: "ps has no such column" }))
          : Effect.succeed(cell)
      })
      return [columns.map(([heading]) => heading), columns.map(([, value]) => value)]
    }),
    port: (ref) => Effect.map(find(ref), ({ config }) => portLines(config.connection.published)),
    logs: (ref, { follow, tail }) =>
      Stream.unwrap(
        Effect.map(find(ref), (container) => logLines(container, { follow, from: tailStart(container, tail) })),
      ),
    exec: (ref, options, streams) => Effect.flatMap(find(ref), (container) => execIn(container, options, streams)),
    healthcheck: (ref) => Effect.flatMap(find(ref), checkHealth),
    execDetached: (ref, options) => Effect.flatMap(find(ref), (container) => execDetachedIn(container, options)),
    checkpoint: Effect.fnUntraced(function* (selection, options) {
      const selected = yield* select(selection, ({ state }) => state.status === "running")
      const ids = selected.flatMap(({ found }) => (Result.isSuccess(found) ? [found.success.id] : []))
      const shared = sharedTarget(options.target, ids)
      if (shared !== undefined) return yield* shared
      return yield* eachSelected(
        selected,
        locked((container) => checkpointContainer(host, container, options)),
      )
    }),
    restore: Effect.fnUntraced(function* (source, options) {
      if (source._tag === "Archive") {
        return [{ input: "", result: yield* Effect.result(restoreArchive(host, source, options)) }]
      }
      if (source._tag === "Names") {
        return yield* Effect.forEach(source.names, (input) =>
          Effect.map(Effect.result(restoreNamed(input, options)), (result) => ({ input, result })),
        )
      }
      const selected = yield* select(source, ({ state }) => state.status === "exited" && state.checkpointed)
      return yield* eachSelected(
        selected,
        locked((container) => restoreInPlace(host, container, options)),
      )
    }),
  }

  function start(container: MemoryContainer): Effect.Effect<string, CreateFailure> {
    return Effect.gen(function* () {
      const { id, state } = container
      if (state.status === "running") return id
      if (isActive(container)) return yield* improper(container, "start")
      for (const ref of ownersOf(container)) {
        const owner = yield* find(ref)
        if (owner.state.checkpointed) return yield* new DependencyCheckpointed({ id, dependency: owner.id })
        if (!isActive(owner)) yield* locked(start)(owner)
      }
      yield* Effect.tapError(startAlone(container), ({ message }) =>
        changeState(container, (before) => ({ ...before, startError: message })),
      )
      return id
    })
  }

  /** Everything it joins runs. */
  function startAlone(container: MemoryContainer): Effect.Effect<void, CreateFailure> {
    return Effect.gen(function* () {
      fillMemory(container)
      fillVolumes(host, container)
      const program = yield* firstProgram(container)
      const startedAt = yield* instant
      const places = yield* Effect.fromResult(placesFor(host, container.config.connection.attachments))
      container.config = { ...container.config, places }
      container.checkpoint = undefined
      container.runBegins = container.log.length
      container.health = beginningHealth
      yield* beginRun(host, container, {
        program,
        change: ({ status }) => ({ ...initialState, status, pid: 0, startedAt }),
      })
    })
  }

  function remove(
    container: MemoryContainer,
    options: {
      readonly depend: boolean
      readonly force: boolean
      readonly timeSeconds: number
      readonly volumes: boolean
    },
  ): Effect.Effect<string, ContainerFailure> {
    return Effect.gen(function* () {
      const { id } = container
      if (options.depend)
        for (const dependent of dependentsOf(host, id)) yield* locked((one) => remove(one, options))(dependent)
      const dependents = dependentsOf(host, id).map((dependent) => dependent.id)
      if (dependents.length > 0) return yield* new ContainerHasDependents({ id, dependents })
      if (isActive(container) && !options.force) return yield* improper(container, "remove")
      yield* stopRun(host, container, options.timeSeconds)
      yield* erase(host, container)
      if (options.volumes) discardAnonymous(host, container)
      return id
    })
  }

  /** A name is a container's first; an image's otherwise. */
  function restoreNamed(input: string, options: RestoreOptions): Effect.Effect<RestoreReport, RestoreFailure> {
    return Effect.gen(function* () {
      const container = yield* find(input).pipe(Effect.catchTag("ContainerNotFound", () => Effect.succeed(undefined)))
      const rule = newContainerRule(options)
      if (container !== undefined && rule !== undefined) return yield* new OptionConflict({ rule })
      if (container !== undefined) return yield* locked((one) => restoreInPlace(host, one, options))(container)
      const found = findImage(host.images, input)
      if (Result.isSuccess(found)) {
        return yield* restoreImage(host, { image: found.success.image, source: input }, options)
      }
      if (found.failure._tag === "ImageAmbiguous") return yield* found.failure
      return yield* new NoSuchContainerOrImage({ ref: input })
    })
  }
}

const improper = ({ id, state }: MemoryContainer, operation: ContainerStateImproper["operation"]) =>
  new ContainerStateImproper({ id, state: state.status, operation })

/** Containers that are not there are no items when missing ones are to be ignored. */
const ignoring =
  (ignore: boolean) =>
  <A, E>(items: ReadonlyArray<Item<A, E>>): ReadonlyArray<Item<A, E>> =>
    ignore
      ? items.filter(({ result }) => Result.isSuccess(result) || !(result.failure instanceof ContainerNotFound))
      : items
