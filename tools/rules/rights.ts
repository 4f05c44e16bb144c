import ts from 'typescript'
import { type Finding, isShipped, lineOf, nodesOf, parse, type SourceFile } from './tree.ts'

/** The files that make rights: the kernel, and the file that reads a caller's token. */
const makers = ['apps/api/src/kernel/context.ts', 'apps/api/src/identity/tokens.ts']

/**
 * Finds code that makes a ctx with other rights by spreading or by listing its fields. Code that needs other rights must
 * call a function of the kernel (asSystem, asReaderOf, asMember), so that all such places are found.
 */
export const rightsFaults = (files: readonly SourceFile[]): Finding[] =>
  files.filter((file) => isShipped(file) && !makers.includes(file.path)).flatMap(faultsIn)

function faultsIn(file: SourceFile): Finding[] {
  const source = parse(file)
  return nodesOf(source).flatMap((node) => {
    if (!ts.isObjectLiteralExpression(node)) return []
    const right = givenRight(node)
    if (right === null) return []
    const message = `a ctx is given its own ${right}: say asSystem, asReaderOf or asMember`
    return { path: file.path, line: lineOf(source, node.getStart()), message }
  })
}

const rights = ['roles', 'scope', 'actor']
const aCtx =
  /(^|[.(])(ctx|tx|cloud|context|caller|system|ours)$|\w*[cC]tx\(.*\)$|^as(System|ReaderOf|Member)\(.*\)$/s

/** The right that an object gives to a ctx, which it spreads, or makes with a database and roles; null when none. */
function givenRight({ properties }: ts.ObjectLiteralExpression): string | null {
  const names = properties.flatMap((one) => (one.name ? one.name.getText().replace(/['"]/g, '') : []))
  const isSpread = properties.some((one) => ts.isSpreadAssignment(one) && aCtx.test(one.expression.getText()))
  const isMade = names.includes('deps') && names.includes('db')
  return isSpread || isMade ? (rights.find((right) => names.includes(right)) ?? null) : null
}
