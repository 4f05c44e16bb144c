import ts from 'typescript'
import { type Finding, lineOf, nodesOf, parse, type SourceFile } from './tree.ts'

const most = 70

/**
 * Finds functions that do not fit on a screen. Functions inside of a function are counted by themselves, because a
 * function that makes an object of small functions is as easy to read as a class with these methods.
 */
export const longFunctions = (files: readonly SourceFile[]): Finding[] => files.flatMap(longIn)

function longIn(file: SourceFile): Finding[] {
  const source = parse(file)
  const found: Finding[] = []
  for (const node of nodesOf(source)) {
    if (!isFunction(node) || isStory(node)) continue
    const line = lineOf(source, node.getStart())
    const lines = ownLines(source, node)
    if (lines > most)
      found.push({
        path: file.path,
        line,
        message: `${nameOf(node)} has ${lines} lines; ${most} are the most`,
      })
  }
  return found
}

function ownLines(source: ts.SourceFile, node: ts.Node): number {
  let lines = lineOf(source, node.end) - lineOf(source, node.getStart()) + 1
  const visit = (child: ts.Node): void => {
    if (isFunction(child)) lines -= lineOf(source, child.end) - lineOf(source, child.getStart())
    else ts.forEachChild(child, visit)
  }
  ts.forEachChild(node, visit)
  return lines
}

const isFunction = (node: ts.Node): node is ts.FunctionLikeDeclaration =>
  (ts.isFunctionDeclaration(node) ||
    ts.isFunctionExpression(node) ||
    ts.isArrowFunction(node) ||
    ts.isMethodDeclaration(node) ||
    ts.isConstructorDeclaration(node) ||
    ts.isAccessor(node)) &&
  node.body !== undefined

const stories = /^(describe|test|it)\b/
/** True for a test and for a list of tests, which are read from top to bottom as stories and may be long. */
function isStory(node: ts.Node): boolean {
  const call = node.parent
  return (
    ts.isCallExpression(call) &&
    call.arguments.some((argument) => argument === node) &&
    stories.test(call.expression.getText())
  )
}

function nameOf(node: ts.FunctionLikeDeclaration): string {
  if (node.name) return node.name.getText()
  const { parent } = node
  if (ts.isVariableDeclaration(parent) || ts.isPropertyAssignment(parent)) return parent.name.getText()
  if (ts.isCallExpression(parent)) return `the function that ${parent.expression.getText().slice(0, 40)} gets`
  return 'a function'
}
