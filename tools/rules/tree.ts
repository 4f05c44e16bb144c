import ts from 'typescript'

/** A file of the tree, by its path from the root of the repository. The rules read no disk. */
export type SourceFile = { path: string; text: string }
/** One violation of a rule: its place and a message. */
export type Finding = { path: string; line: number; message: string }

/** True for files of the API that ship. Tests, their helpers and examples of requests do not, and are free of the rules. */
export const isShipped = ({ path }: SourceFile): boolean =>
  /^apps\/api\/src\/.*\.ts$/.test(path) && !/\.test\.ts$|testing|\.examples\.ts$/.test(path)

/** The folder of the file in apps/api/src; "" for files beside the rooms. */
export const roomOf = (path: string): string => /^apps\/api\/src\/([^/]+)\//.exec(path)?.[1] ?? ''

const parsed = new WeakMap<SourceFile, ts.SourceFile>()
export function parse(file: SourceFile): ts.SourceFile {
  const known = parsed.get(file)
  if (known) return known
  const tree = ts.createSourceFile(file.path, file.text, ts.ScriptTarget.Latest, true)
  parsed.set(file, tree)
  return tree
}

/** All nodes of the file, parents first. */
export function nodesOf(file: ts.SourceFile): ts.Node[] {
  const nodes: ts.Node[] = []
  const visit = (node: ts.Node): void => {
    nodes.push(node)
    ts.forEachChild(node, visit)
  }
  visit(file)
  return nodes
}

/** The line of a position in the file, counted from 1. */
export const lineOf = (file: ts.SourceFile, position: number): number =>
  file.getLineAndCharacterOfPosition(position).line + 1

export const asText = ({ path, line, message }: Finding): string => `${path}:${line} ${message}`
