/**
 * A template, parsed: nodes to walk, operands to evaluate, and the source text of either for messages.
 *
 * `at` is the place a message points to, which for a chain of fields is where its second field stands.
 */

export type Node =
  | { readonly type: "text"; readonly at: number; readonly text: string }
  | { readonly type: "action"; readonly at: number; readonly pipe: Pipe }
  | Branch
  | { readonly type: "break" | "continue"; readonly at: number }

export interface Branch {
  readonly type: "if" | "range" | "with"
  readonly at: number
  readonly pipe: Pipe
  readonly body: ReadonlyArray<Node>
  readonly otherwise: ReadonlyArray<Node> | undefined
}

export interface Pipe {
  readonly type: "pipe"
  readonly at: number
  /** Variables the pipeline declares, or assigns to. */
  readonly variables: ReadonlyArray<string>
  readonly assigns: boolean
  readonly commands: ReadonlyArray<CommandNode>
}

export interface CommandNode {
  readonly type: "command"
  readonly at: number
  readonly operands: ReadonlyArray<Operand>
}

export type Operand =
  | { readonly type: "field"; readonly at: number; readonly names: ReadonlyArray<string> }
  | { readonly type: "variable"; readonly at: number; readonly name: string; readonly names: ReadonlyArray<string> }
  | { readonly type: "chain"; readonly at: number; readonly of: Operand; readonly names: ReadonlyArray<string> }
  | { readonly type: "identifier"; readonly at: number; readonly name: string }
  | { readonly type: "dot" | "nil"; readonly at: number }
  | { readonly type: "bool"; readonly at: number; readonly value: boolean }
  | { readonly type: "number"; readonly at: number; readonly value: number; readonly source: string }
  | { readonly type: "string"; readonly at: number; readonly value: string; readonly source: string }
  | Pipe

/** The template's text for a node, in one spelling. */
export const sourceOf = (node: Operand | CommandNode): string => {
  switch (node.type) {
    case "field":
      return fields(node.names)
    case "variable":
      return node.name + fields(node.names)
    case "chain":
      return (node.of.type === "pipe" ? `(${sourceOf(node.of)})` : sourceOf(node.of)) + fields(node.names)
    case "identifier":
      return node.name
    case "dot":
      return "."
    case "nil":
      return "nil"
    case "bool":
      return String(node.value)
    case "number":
    case "string":
      return node.source
    case "command":
      return node.operands
        .map((operand) => (operand.type === "pipe" ? `(${sourceOf(operand)})` : sourceOf(operand)))
        .join(" ")
    case "pipe": {
      const declared = node.variables.length === 0 ? "" : `${node.variables.join(", ")} ${node.assigns ? "=" : ":="} `
      return declared + node.commands.map(sourceOf).join(" | ")
    }
  }
}

const fields = (names: ReadonlyArray<string>): string => names.map((name) => `.${name}`).join("")
