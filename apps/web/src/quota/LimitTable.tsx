'use client'
import { ActionIcon, Text } from '@mantine/core'
import type { QuotaResource } from '@stratolith/api/kernel/contract'
import { IconInfinity } from '@tabler/icons-react'
import { NumberField } from '../kit/NumberField.tsx'
import { Hint } from '../ui/Hint.tsx'
import { belowUse, type LimitValue, type LimitValues, limitProblem, typedLimit } from './limit-values.ts'
import classes from './quota.module.css'
import { amountText, quotaOrder, quotaWords } from './words.ts'

type Change = (resource: QuotaResource, value: LimitValue) => void

/**
 * All limits to write in: an empty field is the default (`usual`), the sign beside it takes the limit away. `used`:
 * what is there already, of a project.
 */
export function LimitTable({
  values,
  usual,
  used,
  onChange,
}: {
  values: LimitValues
  usual: (resource: QuotaResource) => number
  used?: (resource: QuotaResource) => number | undefined
  onChange: Change
}) {
  return (
    <table className={classes.table} aria-label="Limits">
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
        {quotaOrder.map((resource) => {
          const value = values[resource]
          return (
            value && (
              <tr key={resource}>
                <th scope="row">{quotaWords[resource].label}</th>
                {used && (
                  <td className={`${classes.number} ${classes.end}`}>{usedText(resource, used(resource))}</td>
                )}
                <td>
                  <Limit
                    resource={resource}
                    usual={usual(resource)}
                    used={used?.(resource)}
                    value={value}
                    onChange={(next) => onChange(resource, next)}
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

const usedText = (resource: QuotaResource, used: number | undefined): string =>
  used === undefined ? '–' : amountText(resource, used)

function Limit({
  resource,
  usual,
  used,
  value,
  onChange,
}: {
  resource: QuotaResource
  usual: number
  used: number | undefined
  value: LimitValue
  onChange: (value: LimitValue) => void
}) {
  const { label, unit } = quotaWords[resource]
  const none = value.mode === 'unlimited'
  const standard = `Default: ${amountText(resource, usual)}`
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
        <Hint label={none ? `Back to the default (${amountText(resource, usual)})` : 'Without a limit'}>
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
          Below the {amountText(resource, used)} in use: what is there stays, nothing new comes.
        </Text>
      )}
    </>
  )
}
