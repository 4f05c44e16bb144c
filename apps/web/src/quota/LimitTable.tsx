'use client'
import { ActionIcon, Text } from '@mantine/core'
import type { QuotaName } from '@stratolith/api/kernel/contract'
import { IconInfinity } from '@tabler/icons-react'
import { NumberField } from '../kit/NumberField.tsx'
import { Hint } from '../ui/Hint.tsx'
import { belowUse, type LimitValue, type LimitValues, limitProblem, typedLimit } from './limit-values.ts'
import classes from './quota.module.css'
import { type LimitRow, resourceRows } from './rows.ts'
import { amountText } from './words.ts'

type Change = (name: QuotaName, value: LimitValue) => void

/**
 * All limits to write in: an empty field is the default (`usual`), the sign beside it takes the limit away. `used`:
 * what is there already, of a project.
 */
export function LimitTable({
  label = 'Limits',
  rows = resourceRows,
  values,
  usual,
  used,
  onChange,
}: {
  label?: string
  rows?: readonly LimitRow[]
  values: LimitValues
  usual: (name: QuotaName) => number
  used?: (name: QuotaName) => number | undefined
  onChange: Change
}) {
  return (
    <table className={classes.table} aria-label={label}>
      <thead>
        <tr>
          <th scope="col">Resource</th>
          {used && (
            <th scope="col" className={classes.end}>
              Used
            </th>
          )}
          <th scope="col">Limit</th>
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => {
          const value = values[row.name]
          return (
            value && (
              <tr key={row.name}>
                <th scope="row">{row.label}</th>
                {used && (
                  <td className={`${classes.number} ${classes.end}`}>{usedText(row, used(row.name))}</td>
                )}
                <td>
                  <Limit
                    row={row}
                    usual={usual(row.name)}
                    used={used?.(row.name)}
                    value={value}
                    onChange={(next) => onChange(row.name, next)}
                  />
                </td>
              </tr>
            )
          )
        })}
      </tbody>
    </table>
  )
}

const usedText = (row: LimitRow, used: number | undefined): string =>
  used === undefined ? '–' : amountText(row, used)

function Limit({
  row,
  usual,
  used,
  value,
  onChange,
}: {
  row: LimitRow
  usual: number
  used: number | undefined
  value: LimitValue
  onChange: (value: LimitValue) => void
}) {
  const { label, unit } = row
  const none = value.mode === 'unlimited'
  const standard = `Default: ${amountText(row, usual)}`
  return (
    <>
      <div className={classes.limit}>
        <NumberField
          size="xs"
          className={classes.input}
          aria-label={`Limit: ${label}`}
          placeholder={none ? 'Unlimited' : standard}
          suffix={unit}
          value={value.mode === 'limit' ? value.limit : ''}
          onChange={(limit) => onChange(typedLimit(limit, none))}
          error={limitProblem(value)}
          hideControls
        />
        <Hint label={none ? `Back to the default (${amountText(row, usual)})` : 'Without a limit'}>
          <ActionIcon
            variant={none ? 'filled' : 'default'}
            size={30}
            aria-label={`Unlimited: ${label}`}
            aria-pressed={none}
            onClick={() => onChange({ mode: none ? 'default' : 'unlimited', limit: '' })}
          >
            <IconInfinity size={16} />
          </ActionIcon>
        </Hint>
      </div>
      {used !== undefined && belowUse(value, used) && (
        <Text size="xs" c="var(--mantine-color-warn-text)" mt={4}>
          Below the {amountText(row, used)} in use: what is there stays, nothing new comes.
        </Text>
      )}
    </>
  )
}
