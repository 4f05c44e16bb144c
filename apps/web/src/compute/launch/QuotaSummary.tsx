import { Stack, Text } from '@mantine/core'
import type { LaunchPlan } from '@stratolith/api/compute/contract'
import type { QuotaResource } from '@stratolith/api/kernel/contract'
import { gib, mib } from '../../kit/format.ts'
import { Bar } from '../../ui/Bar.tsx'

const labels: Partial<Record<QuotaResource, string>> = {
  instances: 'Instances',
  vcpus: 'vCPUs',
  memoryMib: 'Memory',
  ports: 'Ports',
  floatingIps: 'Floating IPs',
  securityGroups: 'Security groups',
  securityGroupRules: 'Rules',
  volumes: 'Volumes',
  volumeGib: 'Volume storage',
}

const formats: Partial<Record<QuotaResource, (amount: number) => string>> = { memoryMib: mib, volumeGib: gib }

/** The project's quota as it will be after this launch. */
export function QuotaSummary({ quota }: { quota: LaunchPlan['quota'] }) {
  return (
    <Stack gap="xs">
      <Text size="sm" fw={600}>
        Quota after this launch
      </Text>
      {quota.map((one) => (
        <Bar
          key={one.resource}
          label={labels[one.resource] ?? one.resource}
          used={one.used}
          limit={one.limit}
          adds={one.adds}
          format={formats[one.resource]}
        />
      ))}
    </Stack>
  )
}
