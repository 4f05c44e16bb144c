'use client'
import { Alert, Button, Group, Stack } from '@mantine/core'
import type { QuotaName } from '@stratolith/api/kernel/contract'
import type { QuotaDefaultView, QuotaPartView } from '@stratolith/api/quota/contract'
import { IconAlertTriangle } from '@tabler/icons-react'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { AsCode } from '../kit/AsCode.tsx'
import { cloudError } from '../kit/errors.ts'
import { Loaded } from '../kit/Loaded.tsx'
import { notify } from '../kit/notify.ts'
import { all, useAdminOnly } from '../kit/rights.ts'
import { invalidateKind } from '../kit/stale.ts'
import { useTRPC } from '../kit/trpc.ts'
import { PageHeader } from '../ui/PageHeader.tsx'
import { ReasonButton } from '../ui/ReasonButton.tsx'
import { Section } from '../ui/Section.tsx'
import { LimitTable } from './LimitTable.tsx'
import { changedLimits, type LimitValue, type LimitValues, limitProblem, limitValue } from './limit-values.ts'
import { PartLimits } from './PartLimits.tsx'
import { quotaCommands } from './rows.ts'

/** The limits of projects without limits of their own. */
export function QuotaDefaultsPage() {
  const trpc = useTRPC()
  const query = useQuery(trpc.quota.defaults.queryOptions())
  const parts = useQuery(trpc.quota.partDefaults.queryOptions())
  return (
    <>
      <PageHeader
        title="Quota defaults"
        description="These limits hold for every project that has no limit of its own. A change takes effect in all of these projects at once."
      />
      <Loaded query={query}>
        {(defaults) => (
          <Loaded query={parts}>
            {(ofTypes) => (
              <DefaultsForm
                key={[...defaults, ...ofTypes].map(({ limit }) => limit).join()}
                defaults={defaults}
                parts={ofTypes}
              />
            )}
          </Loaded>
        )}
      </Loaded>
    </>
  )
}

function DefaultsForm({ defaults, parts }: { defaults: QuotaDefaultView[]; parts: QuotaPartView[] }) {
  const trpc = useTRPC()
  const client = useQueryClient()
  const admin = useAdminOnly()
  const [before] = useState<LimitValues>(() =>
    Object.fromEntries([
      ...defaults.map(({ resource, limit, builtIn }) => [resource, limitValue(limit, builtIn)]),
      ...parts.map(({ name, limit }) => [name, limitValue(limit, -1)]),
    ]),
  )
  const [values, setValues] = useState(before)
  /** No part has a limit unless an administrator sets one. */
  const builtIn = (name: QuotaName) => defaults.find((one) => one.resource === name)?.builtIn ?? -1
  const change = (name: QuotaName, next: LimitValue) => setValues((old) => ({ ...old, [name]: next }))
  const save = useMutation(
    trpc.quota.setDefaults.mutationOptions({
      onSuccess() {
        invalidateKind(client, 'project')
        notify.done('Saved the defaults')
      },
    }),
  )
  const changed = changedLimits(before, values)
  const wrong = Object.values(values).some((value) => value !== undefined && limitProblem(value) !== null)
  const count = Object.keys(changed).length
  return (
    <Section>
      <Stack gap="md" maw={620}>
        <LimitTable values={values} usual={builtIn} onChange={change} />
        <PartLimits parts={parts} values={values} usual={builtIn} onChange={change} />
        {save.error && (
          <Alert
            color="bad"
            variant="light"
            role="alert"
            icon={<IconAlertTriangle />}
            title={cloudError(save.error).message}
          />
        )}
        <Group gap="xs">
          <ReasonButton
            loading={save.isPending}
            allowed={all(
              admin(),
              count > 0 || 'Nothing has changed.',
              !wrong || 'One of the limits is no whole number.',
            )}
            onClick={() => save.mutate({ limits: changed })}
          >
            {count > 0 ? `Save ${count === 1 ? 'the change' : `${count} changes`}` : 'Save'}
          </ReasonButton>
          <Button variant="default" disabled={count === 0} onClick={() => setValues(before)}>
            Undo
          </Button>
        </Group>
        {count > 0 && (
          <AsCode cli={quotaCommands(changed, parts, { whose: ['--class', 'default'], usual: builtIn })} />
        )}
      </Stack>
    </Section>
  )
}
