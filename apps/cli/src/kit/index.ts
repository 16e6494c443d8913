/**
 * The kit of a command-line program: its commands, flags, help, completion, and the texts it prints.
 *
 * Nothing here knows of containers or of anything outside the process; it is plain functions over plain data.
 */
export * from "./Command.ts"
export * from "./complete.ts"
export * from "./completionScripts.ts"
export * from "./Flags.ts"
export { goQuote, goUnquote } from "./goQuote.ts"
export { compileTemplate, renderTemplate } from "./GoTemplate.ts"
export type { GoTemplate, TemplateOptions } from "./GoTemplate.ts"
export { helpPage, optionLines, problemText, usageLine } from "./help.ts"
export * from "./human.ts"
export * from "./listFormat.ts"
export { parse } from "./parse.ts"
export type { Call, HelpWanted, ParseResult, UsageProblem } from "./parse.ts"
export { alignColumns, headingOf, headingsOf, tableText } from "./table.ts"
export type { ColumnOptions } from "./table.ts"
export { textFunction } from "./template/functions.ts"
export type { FunctionTable, ParameterType, TemplateFunction } from "./template/functions.ts"
export { jsonText } from "./template/print.ts"
export { TemplateError } from "./template/TemplateError.ts"
