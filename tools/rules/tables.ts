import ts from 'typescript'
import { type Finding, isShipped, lineOf, nodesOf, parse, roomOf, type SourceFile } from './tree.ts'

/** The room that owns the table of each model: the one with the name of the model's Prisma file. */
export function ownersOf(schemas: readonly SourceFile[]): ReadonlyMap<string, string> {
  return new Map(
    schemas.flatMap(({ path, text }) => {
      const room = /([^/]+)\.prisma$/.exec(path)?.[1] ?? ''
      return [...text.matchAll(/^model (\w+)/gm)].map(([, model = '']): [string, string] => [model, room])
    }),
  )
}

const isClient = (node: ts.Expression): boolean =>
  /^(db|root|tx|client|prisma)$/.test(
    ts.isPropertyAccessExpression(node) ? node.name.text : ts.isIdentifier(node) ? node.text : '',
  )

/** The mark of a statement that must read another room's table: `-- of hosts: <reason>`. */
const mark = (room: string) => new RegExp(`-- of ${room}: \\S`)

export type Use = Finding & { model: string; owner: string; isMarked: boolean }

/** All uses of a table outside of its room, by Prisma's client or in SQL. */
export function foreignUses(files: readonly SourceFile[], owners: ReadonlyMap<string, string>): Use[] {
  return files.filter(isShipped).flatMap((file) => usesIn(file, owners))
}

function usesIn(file: SourceFile, owners: ReadonlyMap<string, string>): Use[] {
  const source = parse(file)
  const room = roomOf(file.path)
  const uses: Use[] = []
  const note = (model: string, position: number, statement: string) => {
    const owner = owners.get(model)
    if (owner === undefined || owner === room) return
    const message = `${room || 'a file beside the rooms'} uses ${model}, a table of ${owner}`
    const isMarked = mark(owner).test(statement)
    uses.push({ path: file.path, line: lineOf(source, position), message, model, owner, isMarked })
  }
  for (const node of nodesOf(source)) {
    if (ts.isPropertyAccessExpression(node) && isClient(node.expression)) {
      const name = node.name.text
      note(name.charAt(0).toUpperCase() + name.slice(1), node.name.getStart(), '')
    }
    // A manifest names tables for retention and quota.
    if (
      ts.isPropertyAssignment(node) &&
      node.name.getText() === 'table' &&
      ts.isStringLiteral(node.initializer)
    )
      note(node.initializer.text, node.getStart(), '')
    if (isText(node))
      for (const found of node.getText().matchAll(/(?<!\.)"([A-Z]\w*)"/g))
        note(found[1] ?? '', node.getStart() + found.index, statementOf(node))
  }
  return uses
}

const isText = (node: ts.Node): boolean =>
  ts.isStringLiteral(node) ||
  ts.isTemplateHead(node) ||
  ts.isTemplateMiddleOrTemplateTail(node) ||
  ts.isNoSubstitutionTemplateLiteral(node)

/** The whole template literal of which the text is a part. */
function statementOf(node: ts.Node): string {
  for (let at = node; ; at = at.parent)
    if (ts.isTemplateExpression(at) || !at.parent || ts.isStatement(at)) return at.getText()
}
