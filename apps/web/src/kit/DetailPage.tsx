'use client'
import { Anchor, Breadcrumbs, Tabs, Text } from '@mantine/core'
import Link from 'next/link'
import type { ReactNode } from 'react'
import { PageHeader } from '../ui/PageHeader.tsx'
import { ReasonButton } from '../ui/ReasonButton.tsx'
import { ActionMenu } from './ActionMenu.tsx'
import { useRunAction } from './actions.tsx'
import type { ResourceAction, ResourceDescriptor } from './descriptor.ts'
import { useUrlState } from './url-state.ts'

export type DetailTab = { id: string; label: string; content: ReactNode; icon?: ReactNode }

/** A resource's page: where it is, what can be done with it, and its tabs (the open one in ?tab=). */
export function DetailPage<V extends { id: string }>({
  descriptor,
  view,
  actions = [],
  badge,
  tabs,
  header,
  description,
}: {
  descriptor: ResourceDescriptor<V> & { listPath?: string }
  view: V
  actions?: ResourceAction<V>[]
  badge?: ReactNode
  tabs: DetailTab[]
  header?: ReactNode
  description?: ReactNode
}) {
  const { get, set } = useUrlState()
  const runAction = useRunAction(descriptor)
  const run = (action: ResourceAction<V>) => void runAction(action, [view])
  const first = tabs[0]?.id ?? ''
  const asked = get('tab')
  const tab = tabs.some(({ id }) => id === asked) ? asked : first
  const listPath = descriptor.listPath ?? descriptor.path?.(view).split('/').slice(0, -1).join('/')
  const rest = actions.slice(3)
  return (
    <div>
      <Breadcrumbs mb="xs" component="nav" aria-label="Where you are" separatorMargin={6}>
        {listPath && (
          <Anchor component={Link} href={listPath} size="sm">
            {descriptor.plural}
          </Anchor>
        )}
        <Text size="sm" c="dimmed" truncate maw={260} aria-current="page">
          {descriptor.name(view)}
        </Text>
      </Breadcrumbs>
      <PageHeader
        title={descriptor.name(view)}
        badge={badge}
        description={description}
        actions={
          <>
            {actions.slice(0, 3).map((action) => (
              <ReasonButton
                key={action.id}
                size="sm"
                variant="default"
                leftSection={action.icon}
                allowed={action.allowed(view)}
                onClick={() => run(action)}
              >
                {action.label}
              </ReasonButton>
            ))}
            {rest.length > 0 && (
              <ActionMenu label="More actions" asButton actions={rest} view={view} onRun={run} />
            )}
          </>
        }
      />
      {header}
      <Tabs value={tab} onChange={(id) => set({ tab: id === first ? null : id })} keepMounted={false} mt="md">
        <Tabs.List style={{ flexWrap: 'nowrap', overflowX: 'auto', overflowY: 'hidden' }}>
          {tabs.map(({ id, label, icon }) => (
            <Tabs.Tab key={id} value={id} leftSection={icon} style={{ flexShrink: 0 }}>
              {label}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        {tabs.map(({ id, content }) => (
          <Tabs.Panel key={id} value={id} pt="md">
            {content}
          </Tabs.Panel>
        ))}
      </Tabs>
    </div>
  )
}
