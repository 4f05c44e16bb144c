'use client'
import { Checkbox, Text } from '@mantine/core'
import { useForm } from '@mantine/form'
import type { QuotaName, QuotaView } from '@stratolith/api/kernel/contract'
import type { QuotaDefaultView, QuotaPartView } from '@stratolith/api/quota/contract'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { notify } from '../kit/notify.ts'
import { SidePanelForm } from '../kit/SidePanelForm.tsx'
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
import { PartLimits } from './PartLimits.tsx'
import { partRows, quotaCommands, resourceRows } from './rows.ts'

type Props = {
  projectId: string
  name: string
  quota: QuotaView[]
  defaults: QuotaDefaultView[]
  parts: QuotaPartView[]
  partDefaults: QuotaPartView[]
  opened: boolean
  onClose: () => void
}

/** The form for the limits of one project. Only changed limits are sent. */
export function QuotaForm({ projectId, name, quota, defaults, parts, partDefaults, opened, onClose }: Props) {
  const trpc = useTRPC()
  const client = useQueryClient()
  const set = useMutation(trpc.quota.set.mutationOptions())
  const standard = new Map<QuotaName, number>([
    ...defaults.map((one) => [one.resource, one.limit] as const),
    ...partDefaults.map((one) => [one.name, one.limit] as const),
  ])
  const usual = (name: QuotaName) => standard.get(name) ?? 0
  const present = [...quota.map(({ resource, ...its }) => ({ name: resource, ...its })), ...parts]
  // The limits when the form was opened, whatever changes meanwhile.
  const [before] = useState<LimitValues>(() =>
    Object.fromEntries(present.map(({ name, limit }) => [name, limitValue(limit, usual(name))])),
  )
  const form = useForm<Record<string, LimitValue | boolean>>({ initialValues: { ...before, force: false } })
  const valuesOf = ({ force: _, ...rest }: Record<string, LimitValue | boolean>) => rest as LimitValues
  const values = valuesOf(form.values)
  const uncounted = new Set<QuotaName>(resourceRows.flatMap(({ name, each }) => (each ? [name] : [])))
  const usedOf = (name: QuotaName) =>
    name === 'keyPairs' || uncounted.has(name) ? undefined : present.find((one) => one.name === name)?.used
  const below = [...resourceRows, ...partRows(parts)].some(({ name }) => {
    const value = values[name]
    return value !== undefined && belowUse(value, usedOf(name) ?? 0)
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
        quotaCommands(changedLimits(before, valuesOf(all)), parts, { whose: [projectId], usual })
      }
      onSubmit={async (all) => {
        const problem = Object.values(valuesOf(all)).some(
          (value) => value !== undefined && limitProblem(value) !== null,
        )
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
        onChange={(name, value) => form.setFieldValue(name, value)}
      />
      <PartLimits
        parts={parts}
        values={values}
        usual={usual}
        isOfProject
        onChange={(name, value) => form.setFieldValue(name, value)}
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
