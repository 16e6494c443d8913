/** Programs in running containers: made, started with a connection or without, asked about, removed. */
import { containerFailures } from "@cryopod/entities"
import * as Schema from "effect/Schema"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import { parameter, query } from "../Query.ts"
import { routes } from "../Routes.ts"
import { ExecSessionNotFound, errorsOf } from "../WireFailure.ts"

const id = { id: Schema.String }
const errors = () => errorsOf([...containerFailures, ExecSessionNotFound])

/** Docker's ExecConfig, with libpod's `Detach` and what podman-remote leaves out made absent. */
export const ExecConfig = Schema.Struct({
  Cmd: Schema.Array(Schema.String),
  AttachStdin: Schema.optionalKey(Schema.Boolean),
  AttachStdout: Schema.optionalKey(Schema.Boolean),
  AttachStderr: Schema.optionalKey(Schema.Boolean),
  Detach: Schema.optionalKey(Schema.Boolean),
  DetachKeys: Schema.optionalKey(Schema.String),
  Env: Schema.optionalKey(Schema.NullOr(Schema.Array(Schema.String))),
  Privileged: Schema.optionalKey(Schema.Boolean),
  Tty: Schema.optionalKey(Schema.Boolean),
  User: Schema.optionalKey(Schema.String),
  WorkingDir: Schema.optionalKey(Schema.String),
})
export type ExecConfig = typeof ExecConfig.Type

export const ExecStart = Schema.Struct({
  Detach: Schema.optionalKey(Schema.Boolean),
  Tty: Schema.optionalKey(Schema.Boolean),
  h: Schema.optionalKey(Schema.Int),
  w: Schema.optionalKey(Schema.Int),
  /** Beyond libpod: a program that cannot be started is told of by `inspect` alone, not as a line of its output, too. */
  failures: Schema.optionalKey(Schema.Literal("inspect")),
})

/** libpod's InspectExecSession. */
export const ExecInspect = Schema.Struct({
  ID: Schema.String,
  ContainerID: Schema.String,
  CanRemove: Schema.Boolean,
  DetachKeys: Schema.String,
  ExitCode: Schema.Int,
  OpenStdin: Schema.Boolean,
  OpenStdout: Schema.Boolean,
  OpenStderr: Schema.Boolean,
  Running: Schema.Boolean,
  Pid: Schema.Int,
  ProcessConfig: Schema.Struct({
    arguments: Schema.Array(Schema.String),
    entrypoint: Schema.String,
    privileged: Schema.Boolean,
    tty: Schema.Boolean,
    user: Schema.String,
  }),
  /** Beyond libpod: why the program could not be started, as `WireFailure.ts` writes failures. */
  failure: Schema.optionalKey(Schema.Unknown),
})
export type ExecInspect = typeof ExecInspect.Type

export const exec = routes("exec", {
  create: (route) =>
    HttpApiEndpoint.post(route, "/libpod/containers/:name/exec", {
      params: { name: Schema.String },
      payload: ExecConfig,
      success: Schema.Struct({ Id: Schema.String }).pipe(HttpApiSchema.status(201)),
      error: errors(),
    }),
  start: (route) =>
    HttpApiEndpoint.post(route, "/libpod/exec/:id/start", {
      params: id,
      payload: ExecStart,
      // libpod's answer to a detached start is an empty line
      success: [HttpApiSchema.Upgrade({ protocol: "tcp" }), Schema.String.pipe(HttpApiSchema.asText())],
      error: errors(),
    }),
  inspect: (route) =>
    HttpApiEndpoint.get(route, "/libpod/exec/:id/json", { params: id, success: ExecInspect, error: errors() }),
  resize: (route) =>
    HttpApiEndpoint.post(route, "/libpod/exec/:id/resize", {
      params: id,
      query: query({
        h: parameter.int("Rows of the terminal"),
        w: parameter.int("Columns of the terminal"),
        running: parameter.bool("A session that does not run is no failure"),
      }),
      success: HttpApiSchema.Empty(201),
      error: errors(),
    }),
  remove: (route) =>
    HttpApiEndpoint.post(route, "/libpod/exec/:id/remove", {
      params: id,
      payload: Schema.Struct({ Force: Schema.optionalKey(Schema.Boolean) }),
      success: HttpApiSchema.Empty(200),
      error: errors(),
    }),
})
