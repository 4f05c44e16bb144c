import ts from 'typescript'

/** A file of the tree, by its path from the root of the repository. The rules read no disk. */
export type SourceFile = { path: string; text: string }
/** One offence: where it is and what is wrong. */
export type Finding = { path: string; line: number; message: string }

const api = /^apps\/api\/src\//
/** What ships: tests, what they share and the examples of requests may do what a room may not. */
export const isShipped = ({ path }: SourceFile): boolean =>
  api.test(path) && path.endsWith('.ts') && !/\.test\.ts$|testing|\.examples\.ts$/.test(path)

/** The folder of apps/api/src that the file is in; "" for what stands beside the rooms. */
export const roomOf = (path: string): string => /^apps\/api\/src\/([^/]+)\//.exec(path)?.[1] ?? ''

export const parse = ({ path, text }: SourceFile): ts.SourceFile =>
  ts.createSourceFile(
    path,
    text,
    ts.ScriptTarget.Latest,
    true,
    path.endsWith('x') ? ts.ScriptKind.TSX : ts.ScriptKind.TS,
  )

/** Every node of the file, parents first. */
export function* nodesOf(node: ts.Node): Generator<ts.Node> {
  yield node
  const children: ts.Node[] = []
  ts.forEachChild(node, (child) => void children.push(child))
  for (const child of children) yield* nodesOf(child)
}

/** Line of a place in the file, from 1. */
export const lineOf = (file: ts.SourceFile, position: number): number =>
  file.getLineAndCharacterOfPosition(position).line + 1

export const asText = ({ path, line, message }: Finding): string => `${path}:${line} ${message}`
