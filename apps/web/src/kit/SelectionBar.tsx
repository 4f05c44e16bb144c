'use client'
import { Button, Text } from '@mantine/core'
import { useMediaQuery } from '@mantine/hooks'
import type { Allowed } from '@stratolith/api/kernel/contract'
import { ReasonButton } from '../ui/ReasonButton.tsx'
import { counted, type ResourceAction } from './descriptor.ts'
import { leftOut } from './left-out.ts'
import classes from './ResourceTable.module.css'
import { dangerText } from './theme.ts'

type Named<V> = { noun: string; plural: string; name: (view: V) => string }
/** `left` says which of the selected things the action leaves out, and why. */
type OnRun<V> = (action: ResourceAction<V>, views: V[], left: string[]) => void

/** The bar over the headings of a table while rows are selected. */
export function SelectionBar<V extends { id: string }>({
  descriptor,
  actions,
  views,
  onRun,
  onClear,
}: {
  descriptor: Named<V>
  actions: ResourceAction<V>[]
  views: V[]
  onRun: OnRun<V>
  onClear: () => void
}) {
  if (views.length === 0) return null
  return (
    <div className={classes.bulk} role="toolbar" aria-label="Selected rows">
      <Text size="sm" fw={600} className={classes.count}>
        {counted(views.length, descriptor)} selected
      </Text>
      <BulkButtons descriptor={descriptor} actions={actions} views={views} onRun={onRun} />
      <Button size="compact-xs" variant="subtle" color="gray" onClick={onClear}>
        Clear
      </Button>
    </div>
  )
}

/** The same width as in ResourceTable.module.css: here buttons show icons without words. */
const iconsAlone = '(min-width: 601px) and (max-width: 75em)'

/** Each button runs its action on those selected things that allow it. */
function BulkButtons<V extends { id: string }>({
  descriptor,
  actions,
  views,
  onRun,
}: {
  descriptor: Named<V>
  actions: ResourceAction<V>[]
  views: V[]
  onRun: OnRun<V>
}) {
  const bare = useMediaQuery(iconsAlone)
  return actions
    .filter((action) => action.bulk && action.run)
    .map((action) => {
      const able = views.filter((view) => action.allowed(view) === true)
      return (
        <ReasonButton
          key={action.id}
          size="compact-xs"
          variant="default"
          leftSection={action.icon}
          allowed={able.length > 0 || firstReason(action, views)}
          c={action.danger && able.length > 0 ? dangerText : undefined}
          hint={bare && !action.danger ? action.label : undefined}
          onClick={() => onRun(action, able, leftOut(action, views, descriptor.name))}
        >
          <span className={action.danger ? undefined : classes.word}>{action.label}</span>
          {able.length > 0 && able.length < views.length ? ` (${able.length})` : ''}
        </ReasonButton>
      )
    })
}

function firstReason<V>(action: ResourceAction<V>, views: V[]): Allowed {
  const answers: Allowed[] = views.map((view) => action.allowed(view))
  return answers.find((answer) => answer !== true) ?? true
}
