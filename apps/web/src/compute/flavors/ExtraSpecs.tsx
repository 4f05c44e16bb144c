'use client'
import type { FlavorView } from '@stratolith/api/compute/contract'
import { useMutation } from '@tanstack/react-query'
import { KeyValues } from '../../kit/KeyValues.tsx'
import { useAdminOnly } from '../../kit/rights.ts'
import { shellLine } from '../../kit/shell.ts'
import { useTRPC } from '../../kit/trpc.ts'

/** The extra specs of a flavor. The API refuses those that it would not keep. */
export function ExtraSpecs({ flavor }: { flavor: FlavorView }) {
  const trpc = useTRPC()
  const admin = useAdminOnly()
  const remove = useMutation(trpc.compute.flavors.removeSpec.mutationOptions())
  const set = useMutation(trpc.compute.flavors.setSpec.mutationOptions())
  return (
    <KeyValues
      kind="flavor"
      title="Extra specs"
      description="hw:disk is overlay or copy. Other keys are notes of yours."
      noun="Extra spec"
      plural="Extra specs"
      items={flavor.extraSpecs}
      allowed={admin()}
      set={(key, value) => set.mutateAsync({ id: flavor.id, key, value })}
      remove={(key) => remove.mutateAsync({ id: flavor.id, key })}
      setCli={(key, value) =>
        shellLine('openstack', 'flavor', 'set', '--property', `${key}=${value}`, flavor.id)
      }
      removeCli={(key) => shellLine('openstack', 'flavor', 'unset', '--property', key, flavor.id)}
      example={{ key: 'hw:disk', value: 'copy' }}
    />
  )
}
