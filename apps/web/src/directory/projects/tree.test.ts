import type { ProjectDetail } from '@stratolith/api/directory/projects/contract'
import { describe, expect, it } from 'vitest'
import { type ProjectNode, treeOf } from './tree.ts'

const project = (id: string, parentId: string | null, domainId = 'd1'): ProjectDetail => ({
  id,
  name: id,
  description: '',
  domainId,
  domainName: domainId,
  enabled: true,
  parentId,
  tags: [],
  extra: {},
  options: {},
  deleting: false,
  createdAt: '2026-01-01T00:00:00Z',
})
const shape = (nodes: ProjectNode[]): unknown[] =>
  nodes.map((node) => (node.children.length > 0 ? [node.project.id, shape(node.children)] : node.project.id))

describe('treeOf', () => {
  it('puts projects below their parents, by name, domain by domain', () => {
    const tree = treeOf([
      project('p10', null),
      project('p2', null),
      project('leaf', 'p2'),
      project('deep', 'leaf'),
      project('other', null, 'd2'),
    ])
    expect(tree.map(({ name, projects }) => [name, shape(projects)])).toEqual([
      ['d1', [['p2', [['leaf', ['deep']]]], 'p10']],
      ['d2', ['other']],
    ])
  })
  it('keeps a project whose parent is not in the list', () => {
    expect(treeOf([project('orphan', 'gone')]).map(({ projects }) => shape(projects))).toEqual([['orphan']])
  })
})
