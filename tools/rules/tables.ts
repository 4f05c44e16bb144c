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

/** Fields of models that lead to a model of another room: name of the field → the models that it leads to. */
export type Relations = ReadonlyMap<string, readonly string[]>

/** The relations across rooms. They stand in the schema for their foreign keys; a query may not follow them. */
export function foreignRelations(schemas: readonly SourceFile[]): ReadonlyMap<string, Relations> {
  const owners = ownersOf(schemas)
  const found = new Map<string, Map<string, string[]>>()
  for (const { path, text } of schemas) {
    const room = /([^/]+)\.prisma$/.exec(path)?.[1] ?? ''
    for (const [, field = '', model = ''] of text.matchAll(/^ +(\w+) +(\w+)(?:\[\]|\?)?(?= |$)/gm)) {
      const owner = owners.get(model)
      if (owner === undefined || owner === room) continue
      const fields = found.get(room) ?? new Map<string, string[]>()
      fields.set(field, [...(fields.get(field) ?? []), model])
      found.set(room, fields)
    }
  }
  return found
}

/** Is it an object that is handed to Prisma: within `include`, `select`, `where` …, or of a type of Prisma's? */
function isQuery(node: ts.Node): boolean {
  for (let at = node.parent; at; at = at.parent) {
    if (ts.isPropertyAssignment(at) && /^(include|select|omit|where|orderBy)$/.test(at.name.getText()))
      return true
    if ((ts.isFunctionLike(at) || ts.isVariableDeclaration(at)) && at.type)
      return /\bPrisma\./.test(at.type.getText())
    if (ts.isSatisfiesExpression(at) || ts.isAsExpression(at)) return /\bPrisma\./.test(at.type.getText())
    if (ts.isStatement(at)) return false
  }
  return false
}

const isClient = (node: ts.Expression): boolean =>
  /^(db|root|tx|client|prisma)$/.test(
    ts.isPropertyAccessExpression(node) ? node.name.text : ts.isIdentifier(node) ? node.text : '',
  )

const isGivenClient = (call: ts.CallExpression): boolean =>
  call.arguments.some((one) => /^(ctx|tx|db|root|client|deps)\b/.test(one.getText()))

/** The mark of a statement that must read another room's table: `-- of hosts: <reason>`. */
const mark = (room: string) => new RegExp(`-- of ${room}: \\S`)

export type Use = Finding & { model: string; owner: string; isMarked: boolean }

/** All uses of a table outside of its room, by Prisma's client or in SQL. */
export function foreignUses(
  files: readonly SourceFile[],
  owners: ReadonlyMap<string, string>,
  relations: ReadonlyMap<string, Relations> = new Map(),
): Use[] {
  return files.filter(isShipped).flatMap((file) => usesIn(file, owners, relations.get(roomOf(file.path))))
}

function usesIn(file: SourceFile, owners: ReadonlyMap<string, string>, relations?: Relations): Use[] {
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
    if (ts.isPropertyAssignment(node) && !ts.isStringLiteral(node.initializer) && isQuery(node))
      for (const model of relations?.get(node.name.getText()) ?? []) note(model, node.getStart(), '')
    // A table that a function is given by its name beside the client: `lockRow(ctx, 'Host', id)`.
    if (ts.isStringLiteralLike(node) && ts.isCallExpression(node.parent) && isGivenClient(node.parent))
      note(node.text, node.getStart(), '')
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
