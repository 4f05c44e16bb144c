'use client'
import { List, Stack, Text } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import type { VolumePlan } from '@stratolith/api/volumes/contract'
import { useQuery } from '@tanstack/react-query'
import { useFormBlock } from '../kit/form-block.ts'
import { NumberField } from '../kit/NumberField.tsx'
import { useTRPC } from '../kit/trpc.ts'
import { DeletedCount } from './DeletedCount.tsx'
import { QuotaBars, useVolumeQuotas } from './QuotaBars.tsx'
import { type Adds, tooMuch } from './words.ts'

type Field = { value?: number | string; onChange?: (value: number | string) => void; error?: unknown }
/** The most that a volume can have. */
export const mostGib = 65_536
const sizeOf = (typed: number | string | undefined): number | null => {
  const size = Number(typed)
  return Number.isInteger(size) && size >= 1 && size <= mostGib ? size : null
}

/**
 * The size of a volume, with what the project's quota has left and, before the form is sent, the sentence why there is
 * no room. `volume`: the volume that grows; absent: a new one.
 */
export function SizeField({
  field,
  volume,
  type = null,
  description,
}: {
  field: Field
  volume?: { id: string; sizeGib: number; projectId: string }
  /** The name of the type of a new volume; null: the default. */
  type?: string | null
  description?: string
}) {
  const typed = sizeOf(field.value)
  const volumeGib = Math.max(0, (typed ?? 0) - (volume?.sizeGib ?? 0))
  const adds: Adds = volume ? { volumeGib } : { volumes: 1, volumeGib }
  const quotas = useVolumeQuotas(volume?.projectId, adds)
  // No other size mends a limit of the number of volumes.
  const tooMany = tooMuch(
    quotas.filter(({ resource }) => resource === 'volumes'),
    adds,
  )
  const excess = tooMuch(
    quotas.filter(({ resource }) => resource !== 'volumes'),
    adds,
  )
  const { problem, pools = [] } = useProblem(typed, { id: volume?.id, type: type ?? undefined })
  useFormBlock(tooMany ?? excess ?? problem)
  const error = field.error ? String(field.error) : (excess ?? problem)
  return (
    <Stack gap="sm">
      <NumberField
        label="Size"
        required
        suffix=" GiB"
        description={description}
        {...field}
        error={error}
        errorProps={{ role: 'alert' }}
      />
      {tooMany && (
        <Text size="sm" c="bad" role="alert">
          {tooMany}
        </Text>
      )}
      {problem !== null && pools.length > 0 && <WhyNot pools={pools} />}
      <QuotaBars quotas={quotas} adds={adds} />
      <DeletedCount projectId={volume?.projectId} />
    </Stack>
  )
}

/** Says of each pool why the volume does not fit there. */
function WhyNot({ pools }: { pools: NonNullable<VolumePlan['pools']> }) {
  return (
    <List size="xs" spacing={4} aria-label="Why it fits into no pool">
      {pools.map(({ pool, problem }) => (
        <List.Item key={pool}>
          <b>{pool}</b>: {problem}
        </List.Item>
      ))}
    </List>
  )
}

function useProblem(typed: number | null, of: { id?: string; type?: string }): VolumePlan {
  const trpc = useTRPC()
  const [sizeGib] = useDebouncedValue(typed, 250)
  const { data } = useQuery(
    trpc.volumes.plan.queryOptions({ sizeGib: sizeGib ?? 1, ...of }, { enabled: sizeGib !== null }),
  )
  return sizeGib === null || !data ? { problem: null } : data
}
