'use client'
import { Checkbox, Text } from '@mantine/core'
import { useForm } from '@mantine/form'
import type { QuotaResource, QuotaView } from '@stratolith/api/kernel/contract'
import type { QuotaDefaultView } from '@stratolith/api/quota/contract'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { notify } from '../kit/notify.ts'
import { SidePanelForm } from '../kit/SidePanelForm.tsx'
import { shellLine } from '../kit/shell.ts'
import { invalidateKind } from '../kit/stale.ts'
import { useTRPC } from '../kit/trpc.ts'
import { LimitTable } from './LimitTable.tsx'
import {
  belowUse,
  changedLimits,
  type LimitValue,
  type LimitValues,
  limitProblem,
  limitValue,
} from './limit-values.ts'
import { quotaOrder, quotaWords } from './words.ts'

/** The form for the limits of one project. Only changed limits are sent. */
export function QuotaForm({
  projectId,
  name,
  quota,
  defaults,
  opened,
  onClose,
}: {
  projectId: string
  name: string
  quota: QuotaView[]
  defaults: QuotaDefaultView[]
  opened: boolean
  onClose: () => void
}) {
  const trpc = useTRPC()
  const client = useQueryClient()
  const set = useMutation(trpc.quota.set.mutationOptions())
  const usual = (resource: QuotaResource) => defaults.find((one) => one.resource === resource)?.limit ?? 0
  // The limits when the form was opened, whatever changes meanwhile.
  const [before] = useState<LimitValues>(() =>
    Object.fromEntries(quota.map(({ resource, limit }) => [resource, limitValue(limit, usual(resource))])),
  )
  const form = useForm<Record<string, LimitValue | boolean>>({ initialValues: { ...before, force: false } })
  const valuesOf = ({ force: _, ...rest }: Record<string, LimitValue | boolean>) => rest as LimitValues
  const values = valuesOf(form.values)
  const usedOf = (resource: QuotaResource) =>
    resource === 'keyPairs' ? undefined : quota.find((one) => one.resource === resource)?.used
  const below = quotaOrder.some((resource) => {
    const value = values[resource]
    return value !== undefined && belowUse(value, usedOf(resource) ?? 0)
  })
  return (
    <SidePanelForm
      needs="admin"
      title={`Limits of ${name}`}
      opened={opened}
      onClose={onClose}
      form={form}
      submitLabel="Save"
      asCli={(all) =>
        shellLine(
          'openstack',
          'quota',
          'set',
          ...Object.entries(changedLimits(before, valuesOf(all))).flatMap(([resource, limit]) => {
            const option = quotaWords[resource as QuotaResource].option
            return option === undefined ? [] : [`--${option}`, limit ?? usual(resource as QuotaResource)]
          }),
          projectId,
        )
      }
      onSubmit={async (all) => {
        const problem = Object.values(valuesOf(all)).some((value) => limitProblem(value) !== null)
        if (problem) throw new Error('One of the limits is no whole number. It is marked above.')
        await set.mutateAsync({
          projectId,
          limits: changedLimits(before, valuesOf(all)),
          force: all.force === true,
        })
        invalidateKind(client, 'project')
        notify.done(`Saved the limits of ${name}`)
      }}
    >
      <LimitTable
        values={values}
        usual={usual}
        used={usedOf}
        onChange={(resource, value) => form.setFieldValue(resource, value)}
      />
      {below && (
        <Checkbox
          label="Also below what is in use"
          description="Everything that exists stays. The project can make nothing new until enough is deleted."
          checked={form.values.force === true}
          onChange={(event) => form.setFieldValue('force', event.currentTarget.checked)}
        />
      )}
      <Text size="xs" c="dimmed">
        Key pairs are counted for each user.
      </Text>
    </SidePanelForm>
  )
}
