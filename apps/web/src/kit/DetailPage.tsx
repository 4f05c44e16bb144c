'use client'
import { Anchor, Breadcrumbs, Tabs, Text } from '@mantine/core'
import type { ReactNode } from 'react'
import { PageHeader } from '../ui/PageHeader.tsx'
import { ReasonButton } from '../ui/ReasonButton.tsx'
import { ActionMenu } from './ActionMenu.tsx'
import { useGuarded, useRunAction } from './actions.tsx'
import { type ResourceAction, type ResourceDescriptor, removes } from './descriptor.ts'
import { headerActions } from './header-actions.ts'
import { Link, usePathname, useRouter } from './navigation.tsx'
import { ownPath } from './paths.ts'
import { useUrlState } from './url-state.ts'
import { useTitle } from './use-title.ts'

export type DetailTab = { id: string; label: string; content: ReactNode }

/** The page of a resource: its path, the actions on it, and its tabs (?tab= names the open one). */
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
  const router = useRouter()
  const pathname = usePathname()
  const runAction = useRunAction(descriptor)
  const guarded = useGuarded<V>(descriptor.kind)
  const name = descriptor.name(view)
  // The title of the browser's tab names the resource, so that several tabs can be told apart.
  useTitle(`${name} · Stratolith`)
  const first = tabs[0]?.id ?? ''
  const asked = get('tab')
  const tab = tabs.some(({ id }) => id === asked) ? asked : first
  const listPath = descriptor.listPath ?? descriptor.path?.(view).split('/').slice(0, -1).join('/')
  // The buttons depend on what is allowed and not on what is under way, so that no button moves under the pointer.
  const { next, buttons, menu } = headerActions(actions, view)
  const run = async (action: ResourceAction<V>) => {
    const done = await runAction(action, [view])
    // The page of the deleted thing is replaced, so that Back does not lead to an empty page. A person who has opened
    // another page meanwhile stays there.
    if (done && removes(action) && listPath && ownPath(window.location.pathname) === pathname)
      router.replace(listPath)
  }
  return (
    <div>
      <Path name={name} plural={descriptor.plural} listPath={listPath} />
      <PageHeader
        title={name}
        badge={badge}
        description={description}
        actions={
          <>
            {[...(next ? [next] : []), ...buttons].map((action) => (
              <ReasonButton
                key={action.id}
                size="sm"
                variant={action === next ? 'filled' : 'default'}
                leftSection={action.icon}
                allowed={guarded(action).allowed(view)}
                onClick={() => void run(action)}
              >
                {action.label}
              </ReasonButton>
            ))}
            {menu.length > 0 && (
              <ActionMenu
                label="More actions"
                asButton
                actions={menu.map(guarded)}
                everything={actions.map(guarded)}
                view={view}
                onRun={(action) => void run(action)}
              />
            )}
          </>
        }
      />
      {header}
      <Tabs value={tab} onChange={(id) => set({ tab: id === first ? null : id })} keepMounted={false} mt="md">
        <Tabs.List>
          {tabs.map(({ id, label }) => (
            <Tabs.Tab key={id} value={id}>
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

function Path({ name, plural, listPath }: { name: string; plural: string; listPath: string | undefined }) {
  return (
    <Breadcrumbs
      mb="xs"
      component="nav"
      aria-label="Where you are"
      separatorMargin={6}
      style={{ flexWrap: 'nowrap' }}
    >
      {listPath && (
        <Anchor component={Link} href={listPath} size="sm">
          {plural}
        </Anchor>
      )}
      <Text size="sm" c="dimmed" truncate maw={260} miw={0} aria-current="page">
        {name}
      </Text>
    </Breadcrumbs>
  )
}
