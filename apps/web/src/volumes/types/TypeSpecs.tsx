'use client'
import type { VolumeTypeView } from '@stratolith/api/volumes/contract'
import { useMutation } from '@tanstack/react-query'
import { KeyValues } from '../../kit/KeyValues.tsx'
import { useAdminOnly } from '../../kit/rights.ts'
import { shellLine } from '../../kit/shell.ts'
import { useTRPC } from '../../kit/trpc.ts'
import { limitsText } from './type-words.ts'

/** The speed limits of a type, which are QoS specs. Running guests get changed limits at once. */
export function TypeLimits({ type }: { type: VolumeTypeView }) {
  const trpc = useTRPC()
  const admin = useAdminOnly()
  const set = useMutation(trpc.volumes.types.setLimit.mutationOptions())
  const remove = useMutation(trpc.volumes.types.removeLimit.mutationOptions())
  const qos = type.qos?.id ?? type.name
  return (
    <KeyValues
      kind="volumeType"
      title="Speed limits"
      description={limitsText(type)}
      noun="Speed limit"
      plural="Speed limits"
      items={type.qos?.specs ?? {}}
      allowed={admin()}
      set={(key, value) => set.mutateAsync({ id: type.id, key, value })}
      remove={(key) => remove.mutateAsync({ id: type.id, key })}
      setCli={(key, value) =>
        shellLine('openstack', 'volume', 'qos', 'set', '--property', `${key}=${value}`, qos)
      }
      removeCli={(key) => shellLine('openstack', 'volume', 'qos', 'unset', '--property', key, qos)}
      example={{ key: 'total_iops_sec', value: '500' }}
    />
  )
}

/** The extra specs of a type. The API refuses those that promise what the cloud does not do. */
export function TypeExtraSpecs({ type }: { type: VolumeTypeView }) {
  const trpc = useTRPC()
  const admin = useAdminOnly()
  const set = useMutation(trpc.volumes.types.setSpec.mutationOptions())
  const remove = useMutation(trpc.volumes.types.removeSpec.mutationOptions())
  return (
    <KeyValues
      kind="volumeType"
      title="Extra specs"
      description="pool_name, volume_backend_name and RESKEY:availability_zones say where new volumes lie, and multiattach “<is> True” lets several instances have one. Other keys are notes of yours."
      noun="Extra spec"
      plural="Extra specs"
      items={type.extraSpecs}
      allowed={admin()}
      set={(key, value) => set.mutateAsync({ id: type.id, key, value })}
      remove={(key) => remove.mutateAsync({ id: type.id, key })}
      setCli={(key, value) =>
        shellLine('openstack', 'volume', 'type', 'set', '--property', `${key}=${value}`, type.id)
      }
      removeCli={(key) => shellLine('openstack', 'volume', 'type', 'unset', '--property', key, type.id)}
      example={{ key: 'pool_name', value: 'host-1@local' }}
    />
  )
}
