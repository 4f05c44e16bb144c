'use client'
import { Button } from '@mantine/core'
import { IconArrowUp } from '@tabler/icons-react'
import classes from './FreshRows.module.css'

/** Shows “12 new – show” over the headings of a list, so that no row moves before the reader asks for the new ones. */
export function FreshRows({ count, onShow }: { count: number; onShow: () => void }) {
  return (
    <div className={classes.line} role="status">
      {count > 0 && (
        <Button size="compact-sm" radius="xl" leftSection={<IconArrowUp size={14} />} onClick={onShow}>
          {count.toLocaleString('en')} new – show
        </Button>
      )}
    </div>
  )
}
