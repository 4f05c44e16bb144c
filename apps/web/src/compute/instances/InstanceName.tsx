'use client'
import { ActionIcon, Group } from '@mantine/core'
import type { InstanceView } from '@stratolith/api/compute/contract'
import { IconLayoutSidebarRightExpand } from '@tabler/icons-react'
import { Tags } from '../../directory/Tags.tsx'
import { NameCell } from '../../kit/NameCell.tsx'
import { paths } from '../../kit/paths.ts'
import { useUrlState } from '../../kit/url-state.ts'
import { Hint } from '../../ui/Hint.tsx'
import classes from './InstanceName.module.css'

/** The name is a link to the instance's page; the button beside the name opens the side panel. */
export function InstanceName({ view }: { view: InstanceView }) {
  const { set } = useUrlState()
  return (
    <Group gap={4} wrap="nowrap" justify="space-between">
      <div className={classes.name}>
        <NameCell href={paths.instance(view.id)} name={view.name} detail={view.description} />
        {view.tags.length > 0 && (
          <div className={classes.tags}>
            <Tags tags={view.tags} />
          </div>
        )}
      </div>
      <Hint label="Quick look">
        <ActionIcon
          variant="subtle"
          color="gray"
          size="sm"
          aria-label={`Quick look at ${view.name}`}
          onClick={() => set({ panel: view.id }, true)}
        >
          <IconLayoutSidebarRightExpand size={16} />
        </ActionIcon>
      </Hint>
    </Group>
  )
}
