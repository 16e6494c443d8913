/** What becomes of a container that has ended by itself: `--restart` (podman-run.1). */
import * as Schema from "effect/Schema"

export const RestartPolicy = Schema.Struct({
  name: Schema.Literals(["no", "on-failure", "always", "unless-stopped"]),
  /** With `on-failure`: how often in a row; 0 for no limit. */
  retries: Schema.Int,
})
export type RestartPolicy = typeof RestartPolicy.Type

export const noRestart: RestartPolicy = { name: "no", retries: 0 }

/** Read `always` or `on-failure:3`; the answer is a text, in Podman's words, when it is no policy. */
export const parseRestartPolicy = (text: string): RestartPolicy | string => {
  const [word = "", count, ...more] = text.split(":")
  if (more.length > 0) return "invalid restart policy: may specify retries at most once"
  const name = word === "" || word === "never" ? "no" : word
  if (!isPolicyName(name))
    return `running container create option: "${word}" is not a valid restart policy: invalid argument`
  if (count === undefined) return { name, retries: 0 }
  if (name !== "on-failure") return "restart policy retries can only be specified with on-failure restart policy"
  return /^\d+$/.test(count)
    ? { name, retries: Number(count) }
    : `parsing restart policy retry count: strconv.Atoi: parsing "${count}": invalid syntax`
}

const isPolicyName = Schema.is(RestartPolicy.fields.name)

/** Whether a container that ended with `exitCode`, and has been started again `restarts` times in a row, is started again. */
export const restartsAgain = (
  { name, retries }: RestartPolicy,
  { exitCode, restarts }: { readonly exitCode: number; readonly restarts: number },
): boolean => {
  if (name === "no") return false
  return name !== "on-failure" || (exitCode !== 0 && (retries === 0 || restarts < retries))
}
