import type { InstanceView } from '@stratolith/api/compute/contract'
import { Children, isValidElement, type ReactNode } from 'react'
import { describe, expect, it } from 'vitest'
import { allInstancesDescriptor, instanceFacts, listOf } from './descriptor.tsx'

const view = {
  ...{ id: 'i', projectId: 'theirs', name: 'web', description: '', vmState: 'active', metadata: {} },
  flavor: { id: 'f', name: 'm1.nano', vcpus: 1, memoryMib: 128, diskGib: 1, ephemeralGib: 0, swapMib: 0 },
  image: { id: null, name: 'tiny' },
  createdAt: '2026-11-28T10:00:00Z',
} as unknown as InstanceView

const reader = (here: string | null) => ({
  project: here === null ? null : { id: here, name: here },
  isAdmin: false,
  userId: 'ann',
})
type Props = { href?: string; children?: ReactNode }
const linkIn = (node: ReactNode): string | null =>
  isValidElement<Props>(node)
    ? (node.props.href ?? Children.toArray(node.props.children).map(linkIn).find(Boolean) ?? null)
    : null
const linkOf = (label: string, view: InstanceView, who: Parameters<typeof instanceFacts>[1]): string | null =>
  linkIn(instanceFacts(view, who).find((fact) => fact.label === label)?.value)

describe('facts that name things with a page', () => {
  it('are links for readers who may open the page', () => {
    const mine = { ...view, userId: 'ann', keyName: 'lap top', image: { id: 'img', name: 'tiny' } }
    expect(linkOf('Image', mine, reader('theirs'))).toBe('/images/img')
    expect(linkOf('Key pair', mine, reader('theirs'))).toBe('/key-pairs/lap%20top')
    expect(linkOf('Size', mine, reader('theirs'))).toBeNull()
    expect(linkOf('Size', mine, { ...reader('theirs'), isAdmin: true })).toBe('/admin/flavors/f')
    expect(linkOf('Key pair', { ...mine, userId: 'bob' }, reader('theirs'))).toBeNull()
  })
})

describe('an instance of another project', () => {
  it('shows its project, and its path leads to the list that contains it', () => {
    const labels = (here: string | null) => instanceFacts(view, reader(here)).map(({ label }) => label)
    expect(labels('mine')).toContain('Project')
    expect(labels(null)).toContain('Project')
    expect(labels('theirs')).not.toContain('Project')
    expect(listOf(view, 'mine')).toEqual({ plural: 'All instances', listPath: '/admin/instances' })
    expect(listOf(view, 'theirs')).toEqual({ plural: 'Instances', listPath: '/instances' })
  })

  it('shows the time of its launch, whatever stops and starts came later', () => {
    const launched = { ...view, launchedAt: '2026-11-28T10:01:00Z' }
    for (const vmState of ['active', 'stopped'] as const)
      expect(instanceFacts({ ...launched, vmState }, reader('theirs')).map(({ label }) => label)).toContain(
        'Launched',
      )
  })

  it('has its project’s name in the list of all projects, which hides columns before it breaks words', () => {
    const column = (id: string) => allInstancesDescriptor.columns.find((one) => one.id === id)
    expect(column('project')?.cell(view)).toMatchObject({ props: { id: 'theirs' } })
    expect(['image', 'created'].map((id) => column(id)?.hideBelow)).toEqual(['xl', 'xl'])
  })
})
