/**
 * What is wrong with a template, or with the values it was given, in the words of Go's text/template:
 *
 *   template: inspect:1: unclosed action
 *   template: inspect:1:2: executing "inspect" at <.Nope>: can't evaluate field Nope in type *define.InspectContainerData
 */
export class TemplateError extends Error {
  override readonly name = "TemplateError"
  readonly _tag = "TemplateError"
  /** What the template had written until then. */
  readonly written: string

  constructor(message: string, written = "") {
    super(message)
    this.written = written
  }
}

/** A problem met inside a function, before it is known where in the template the function was called. */
export class FunctionError extends Error {
  override readonly name = "FunctionError"
}
