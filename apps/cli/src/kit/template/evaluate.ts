/**
 * Walks the nodes of a template over a value and writes what they say.
 *
 * Stops at the first value that does not fit, with a message that names the place in the template and the operand there.
 * Go `text/template/exec.go`.
 */
import type { FunctionTable, ParameterType, TemplateFunction } from "./functions.ts"
import { sourceOf } from "./Node.ts"
import type { Branch, CommandNode, Node, Operand, Pipe } from "./Node.ts"
import { output, printed } from "./print.ts"
import { FunctionError, TemplateError } from "./TemplateError.ts"
import { isTrue, kindOf, sortedEntries, typeText } from "./Value.ts"

export interface EvaluateOptions {
  /** The template's name in messages. */
  readonly name: string
  readonly source: string
  readonly functions: FunctionTable
  /** Go's name for the type of a struct, for the message about a field it has not. */
  readonly typeNameOf: (struct: object) => string | undefined
}

/** The text the nodes make of the value. Throws a TemplateError. */
export const evaluate = (nodes: ReadonlyArray<Node>, value: unknown, options: EvaluateOptions): string => {
  const run: Run = { ...options, written: [], variables: [{ name: "$", value }], current: undefined }
  try {
    walkAll(run, nodes, value)
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error
    throw new TemplateError(error.message, run.written.join(""))
  }
  return run.written.join("")
}

interface Run extends EvaluateOptions {
  readonly written: Array<string>
  readonly variables: Array<{ readonly name: string; value: unknown }>
  /** What messages point to. */
  current: Operand | CommandNode | undefined
}

/** The value handed on by the stage before, if there is one. */
type Piped = { readonly value: unknown } | undefined

type Jump = "break" | "continue" | undefined

const failure = (run: Run, message: string): TemplateError => {
  const { current, name, source } = run
  if (current === undefined) return new TemplateError(`template: ${name}: ${message}`)
  const lines = source.slice(0, current.at).split("\n")
  const column = new TextEncoder().encode(lines.at(-1) ?? "").length
  const place = `${name}:${lines.length}:${column}`
  return new TemplateError(`template: ${place}: executing "${name}" at <${sourceOf(current)}>: ${message}`)
}

const walkAll = (run: Run, nodes: ReadonlyArray<Node>, dot: unknown): Jump => {
  for (const node of nodes) {
    const jump = walk(run, node, dot)
    if (jump !== undefined) return jump
  }
  return undefined
}

const walk = (run: Run, node: Node, dot: unknown): Jump => {
  switch (node.type) {
    case "text":
      run.written.push(node.text)
      return undefined
    case "action": {
      const value = pipeValue(run, node.pipe, dot)
      if (node.pipe.variables.length === 0) run.written.push(printable(run, value))
      return undefined
    }
    case "if":
    case "with":
      return scoped(run, () => {
        const value = pipeValue(run, node.pipe, dot)
        if (isTrue(value)) return walkAll(run, node.body, node.type === "with" ? value : dot)
        return walkAll(run, node.otherwise ?? [], dot)
      })
    case "range":
      return scoped(run, () => walkRange(run, node, dot))
    case "break":
    case "continue":
      return node.type
  }
}

const printable = (run: Run, value: unknown): string => {
  if (kindOf(value) === "func") throw failure(run, `can't print ${typeText(value)}`)
  return output(value)
}

/** Variables declared inside are gone afterwards. */
const scoped = <Result>(run: Run, inside: () => Result): Result => {
  const { length } = run.variables
  const result = inside()
  run.variables.length = length
  return result
}

const walkRange = (run: Run, node: Branch, dot: unknown): Jump => {
  const { variables, assigns } = node.pipe
  const over = pipeValue(run, node.pipe, dot)
  const base = run.variables.length
  const entries = entriesOf(run, over)
  for (const [key, item] of entries) {
    const [first, second] = variables
    if (assigns && first !== undefined) assign(run, first, second === undefined ? item : key)
    if (assigns && second !== undefined) assign(run, second, item)
    if (!assigns)
      variables.forEach(
        (name, index) =>
          (run.variables[base - variables.length + index] = {
            name,
            value: index === variables.length - 1 ? item : key,
          }),
      )
    const jump = scoped(run, () => walkAll(run, node.body, item))
    if (jump === "break") break
  }
  return entries.length === 0 ? walkAll(run, node.otherwise ?? [], dot) : undefined
}

const entriesOf = (run: Run, over: unknown): ReadonlyArray<readonly [unknown, unknown]> => {
  switch (kindOf(over)) {
    case "none":
    case "nil":
      return []
    case "slice":
      return (over as ReadonlyArray<unknown>).map((item, index) => [index, item])
    case "map":
      return sortedEntries(over as ReadonlyMap<unknown, unknown>)
    case "int":
      return Array.from({ length: Math.max(0, Number(over)) }, (_, index) => [index, index])
    default:
      throw failure(run, `range can't iterate over ${printed(over)}`)
  }
}

const assign = (run: Run, name: string, value: unknown): void => {
  const variable = run.variables.findLast((known) => known.name === name)
  if (variable === undefined) throw failure(run, `undefined variable: ${name}`)
  variable.value = value
}

const pipeValue = (run: Run, pipe: Pipe, dot: unknown): unknown => {
  run.current = pipe
  let piped: Piped
  for (const command of pipe.commands) piped = { value: commandValue(run, command, { dot, piped }) }
  for (const name of pipe.variables) {
    if (pipe.assigns) assign(run, name, piped?.value)
    else run.variables.push({ name, value: piped?.value })
  }
  return piped?.value
}

interface Given {
  readonly dot: unknown
  readonly piped: Piped
}

const commandValue = (run: Run, command: CommandNode, given: Given): unknown => {
  const [first, ...args] = command.operands
  if (first === undefined) return undefined
  switch (first.type) {
    case "field":
      run.current = first
      return fieldsOf(run, given.dot, { at: first, names: first.names, args, ...given })
    case "chain": {
      run.current = first
      if (first.of.type === "nil") throw failure(run, `indirection through explicit nil in ${sourceOf(first)}`)
      const value = operandValue(run, first.of, given.dot)
      return fieldsOf(run, value, { at: first, names: first.names, args, ...given })
    }
    case "variable": {
      run.current = first
      if (first.names.length === 0) refuseArguments(run, command, given)
      return fieldsOf(run, variableValue(run, first.name), { at: first, names: first.names, args, ...given })
    }
    case "identifier":
      return called(run, first.name, { node: first, command, args, ...given })
    case "pipe":
      refuseArguments(run, command, given)
      return pipeValue(run, first, given.dot)
    default:
      run.current = first
      refuseArguments(run, command, given)
      if (first.type === "nil") throw failure(run, "nil is not a command")
      return operandValue(run, first, given.dot)
  }
}

const refuseArguments = (run: Run, { operands }: CommandNode, { piped }: Given): void => {
  const [first] = operands
  if (first !== undefined && (operands.length > 1 || piped !== undefined))
    throw failure(run, `can't give argument to non-function ${sourceOf(first)}`)
}

/** The value of an operand that stands as an argument, or alone. */
const operandValue = (run: Run, operand: Operand, dot: unknown): unknown => {
  run.current = operand
  switch (operand.type) {
    case "bool":
    case "number":
    case "string":
      return operand.value
    case "nil":
      return null
    case "dot":
      return dot
    default:
      return commandValue(run, { type: "command", at: operand.at, operands: [operand] }, { dot, piped: undefined })
  }
}

const variableValue = (run: Run, name: string): unknown => {
  const variable = run.variables.findLast((known) => known.name === name)
  if (variable === undefined) throw failure(run, `undefined variable: ${name}`)
  return variable.value
}

interface Chain extends Given {
  readonly at: Operand
  readonly names: ReadonlyArray<string>
  /** For the last of the names, should it be a method. */
  readonly args: ReadonlyArray<Operand>
}

const fieldsOf = (run: Run, start: unknown, { at, names, args, dot, piped }: Chain): unknown =>
  names.reduce<unknown>((receiver, name, index) => {
    const isLast = index === names.length - 1
    run.current = at
    return fieldOf(run, receiver, { name, at, dot, args: isLast ? args : [], piped: isLast ? piped : undefined })
  }, start)

interface Field extends Given {
  readonly name: string
  readonly at: Operand
  readonly args: ReadonlyArray<Operand>
}

const fieldOf = (run: Run, receiver: unknown, { name, at, args, dot, piped }: Field): unknown => {
  if (receiver === undefined) return undefined
  if (receiver === null) throw failure(run, `nil pointer evaluating interface {}.${name}`)
  const hasArguments = args.length > 0 || piped !== undefined
  const kind = kindOf(receiver)
  if (kind === "map") {
    if (hasArguments) throw failure(run, `${name} is not a method but has arguments`)
    return (receiver as ReadonlyMap<unknown, unknown>).get(name)
  }
  if ((kind === "struct" || kind === "stringer") && hasField(receiver as object, name)) {
    const field: unknown = Reflect.get(receiver as object, name)
    if (typeof field === "function") {
      const values = args.map((argument) => operandValue(run, argument, dot))
      run.current = at
      return calling(run, name, () =>
        Reflect.apply(field, receiver, piped === undefined ? values : [...values, piped.value]),
      )
    }
    if (hasArguments) throw failure(run, `${name} has arguments but cannot be invoked as function`)
    return field
  }
  throw failure(run, `can't evaluate field ${name}${inType(run, receiver)}`)
}

const hasField = (struct: object, name: string): boolean => name in struct && !(name in Object.prototype)

const inType = (run: Run, receiver: unknown): string => {
  const kind = kindOf(receiver)
  const type = kind === "struct" || kind === "stringer" ? run.typeNameOf(receiver as object) : typeText(receiver)
  return type === undefined ? "" : ` in type ${type}`
}

interface FunctionCall extends Given {
  readonly node: Operand
  readonly command: CommandNode
  readonly args: ReadonlyArray<Operand>
}

const called = (run: Run, name: string, { node, command, args, dot, piped }: FunctionCall): unknown => {
  run.current = node
  if (name === "and" || name === "or") return shortCircuit(run, name, { args, dot, piped })
  const found = run.functions[name]
  if (found === undefined) throw failure(run, `${JSON.stringify(name)} is not a defined function`)
  refuseCount(run, name, { found, count: args.length + (piped === undefined ? 0 : 1) })
  const typeAt = (index: number): ParameterType => found.parameters[index] ?? found.rest ?? "any"
  const values = args.map((argument, index) => argumentValue(run, argument, { dot, type: typeAt(index) }))
  if (piped !== undefined) values.push(ofType(run, piped.value, typeAt(args.length)))
  run.current = command.operands.length > 1 ? command : node
  return calling(run, name, () => found.call(values))
}

const refuseCount = (
  run: Run,
  name: string,
  { found, count }: { readonly found: TemplateFunction; readonly count: number },
): void => {
  const wanted = found.parameters.length
  if (found.rest !== undefined && count < wanted)
    throw failure(run, `wrong number of args for ${name}: want at least ${wanted} got ${count}`)
  if (found.rest === undefined && count !== wanted)
    throw failure(run, `wrong number of args for ${name}: want ${wanted} got ${count}`)
}

/** The first argument that decides, or the last; those after it are not evaluated. */
const shortCircuit = (
  run: Run,
  name: "and" | "or",
  { args, dot, piped }: Given & { readonly args: ReadonlyArray<Operand> },
): unknown => {
  if (args.length === 0 && piped === undefined)
    throw failure(run, `wrong number of args for ${name}: want at least 1 got 0`)
  let value: unknown
  for (const argument of args) {
    value = operandValue(run, argument, dot)
    if (isTrue(value) === (name === "or")) return value
  }
  return piped === undefined ? value : piped.value
}

const calling = (run: Run, name: string, call: () => unknown): unknown => {
  try {
    return call()
  } catch (error) {
    if (error instanceof FunctionError) throw failure(run, `error calling ${name}: ${error.message}`)
    throw error
  }
}

interface Wanted {
  readonly dot: unknown
  readonly type: ParameterType
}

const argumentValue = (run: Run, operand: Operand, { dot, type }: Wanted): unknown => {
  run.current = operand
  const source = sourceOf(operand)
  if (type !== "any" && operand.type === "nil" && type !== "[]string")
    throw failure(run, `cannot assign nil to ${type}`)
  if (operand.type === "bool" || operand.type === "number" || operand.type === "string") {
    if (type === "[]string") throw failure(run, `can't handle ${source} for arg of type []string`)
    if (type === "string" && operand.type !== "string") throw failure(run, `expected string; found ${source}`)
    if (type === "int" && kindOf(operand.value) !== "int") throw failure(run, `expected integer; found ${source}`)
    return operand.value
  }
  const value = operandValue(run, operand, dot)
  run.current = operand
  return ofType(run, value, type)
}

const ofType = (run: Run, value: unknown, type: ParameterType): unknown => {
  if (type === "any") return value
  if (type === "[]string" && (value === null || value === undefined)) return []
  if (value === null || value === undefined) throw failure(run, `invalid value; expected ${type}`)
  if (typeText(value) === type || (type === "[]string" && Array.isArray(value) && value.length === 0)) return value
  throw failure(run, `wrong type for value; expected ${type}; got ${typeText(value)}`)
}
