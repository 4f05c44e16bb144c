'use client'
import { Button, Collapse } from '@mantine/core'
import type { QuotaName } from '@stratolith/api/kernel/contract'
import type { QuotaPartView } from '@stratolith/api/quota/contract'
import { IconChevronDown, IconChevronRight } from '@tabler/icons-react'
import { useState } from 'react'
import { LimitTable } from './LimitTable.tsx'
import type { LimitValue, LimitValues } from './limit-values.ts'
import { partRows } from './rows.ts'

/** The limits of each volume type, folded away, because few clouds have any. */
export function PartLimits({
  parts,
  values,
  usual,
  isOfProject = false,
  onChange,
}: {
  parts: readonly QuotaPartView[]
  values: LimitValues
  usual: (name: QuotaName) => number
  /** Also shows what the project has. */
  isOfProject?: boolean
  onChange: (name: QuotaName, value: LimitValue) => void
}) {
  const [open, setOpen] = useState(false)
  const Chevron = open ? IconChevronDown : IconChevronRight
  const usedOf = (name: QuotaName) => parts.find((part) => part.name === name)?.used
  if (parts.length === 0) return null
  return (
    <div>
      <Button
        variant="subtle"
        size="compact-sm"
        leftSection={<Chevron size={14} aria-hidden />}
        aria-expanded={open}
        onClick={() => setOpen(!open)}
      >
        Limits of each volume type
      </Button>
      <Collapse expanded={open}>
        <LimitTable
          label="Limits of each volume type"
          rows={partRows(parts)}
          values={values}
          usual={usual}
          {...(isOfProject ? { used: usedOf } : {})}
          onChange={onChange}
        />
      </Collapse>
    </div>
  )
}
