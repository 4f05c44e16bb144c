import ts from 'typescript'
import { type Finding, isShipped, lineOf, nodesOf, parse, type SourceFile } from './tree.ts'

/** The files of the two doors: routers of the portal and OpenStack's façades. */
export const isDoor = (path: string): boolean =>
  /^apps\/api\/src\/(.+\/)?(openstack\/[^/]+|openstack|[^/]+\.openstack|router|http)\.ts$/.test(path)

/** The faults of doors. A door checks shapes and calls services; only services may use the database or a host. */
export const doorFaults = (files: readonly SourceFile[]): Finding[] =>
  files.filter((file) => isShipped(file) && isDoor(file.path)).flatMap(faultsIn)

function faultsIn(file: SourceFile): Finding[] {
  const source = parse(file)
  return nodesOf(source).flatMap((node) => {
    const message = faultOf(node)
    return message === null ? [] : { path: file.path, line: lineOf(source, node.getStart()), message }
  })
}

const sql = /^\$(queryRaw|executeRaw|transaction)/

function faultOf(node: ts.Node): string | null {
  if (ts.isPropertyAccessExpression(node)) {
    const name = node.name.text
    if (name === 'db') return 'a door uses the database of its caller'
    if (name === 'root' && /\bdeps$/.test(node.expression.getText()))
      return 'a door uses the database of the process'
    if (sql.test(name)) return `a door asks by ${name}`
  }
  if (ts.isBindingElement(node) && /^(db|root)$/.test((node.propertyName ?? node.name).getText()))
    return 'a door takes the database of its caller'
  if (ts.isImportDeclaration(node) && hasValues(node)) {
    const module = (node.moduleSpecifier as ts.StringLiteral).text
    if (/^@stratolith\/(db|drivers)(\/|$)|(^|\/)(prisma|packages\/drivers)\//.test(module))
      return `a door imports values of ${module}`
  }
  return null
}

function hasValues({ importClause: clause }: ts.ImportDeclaration): boolean {
  if (!clause) return true
  if (clause.phaseModifier === ts.SyntaxKind.TypeKeyword) return false
  const named = clause.namedBindings
  if (clause.name || !named || !ts.isNamedImports(named)) return true
  return named.elements.some((element) => !element.isTypeOnly)
}
