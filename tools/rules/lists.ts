import ts from 'typescript'
import { type Finding, isShipped, lineOf, nodesOf, parse, type SourceFile } from './tree.ts'

/**
 * Finds query functions (`queryX` with an `Ask`, decision 26) outside of files called queries.ts, where a reader of any
 * room looks for them.
 */
export const listFaults = (files: readonly SourceFile[]): Finding[] =>
  files.filter((file) => isShipped(file) && !/(^|\/)queries\.ts$/.test(file.path)).flatMap(faultsIn)

function faultsIn(file: SourceFile): Finding[] {
  const source = parse(file)
  return nodesOf(source).flatMap((node) => {
    const name = nameOf(node)
    if (name === undefined || !/^query[A-Z]/.test(name) || !takesAsk(node)) return []
    const line = lineOf(source, node.getStart())
    return [{ path: file.path, line, message: `${name} reads a list; it stands in queries.ts` }]
  })
}

type Function = ts.FunctionDeclaration | ts.ArrowFunction | ts.FunctionExpression
const isFunction = (node: ts.Node): node is Function =>
  ts.isFunctionDeclaration(node) || ts.isArrowFunction(node) || ts.isFunctionExpression(node)

function nameOf(node: ts.Node): string | undefined {
  if (!isFunction(node)) return undefined
  return ts.isVariableDeclaration(node.parent) ? node.parent.name.getText() : node.name?.getText()
}

const takesAsk = (node: ts.Node): boolean =>
  isFunction(node) && node.parameters.some(({ type }) => /^Ask\b/.test(type?.getText() ?? ''))
