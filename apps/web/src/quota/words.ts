import type { QuotaResource } from '@stratolith/api/kernel/contract'
import { gib, mib } from '../kit/format.ts'

/** What each limit is called, and how its numbers read. */
export const quotaWords: Record<QuotaResource, { label: string; format?: (n: number) => string }> = {
  instances: { label: 'Instances' },
  vcpus: { label: 'vCPUs' },
  memoryMib: { label: 'Memory', format: mib },
  imageGib: { label: 'Image storage', format: gib },
  images: { label: 'Images' },
  networks: { label: 'Networks' },
  subnets: { label: 'Subnets' },
  ports: { label: 'Ports' },
  routers: { label: 'Routers' },
  floatingIps: { label: 'Floating IPs' },
  securityGroups: { label: 'Security groups' },
  securityGroupRules: { label: 'Security group rules' },
  serverGroups: { label: 'Server groups' },
  keyPairs: { label: 'Key pairs' },
}
export const quotaOrder = Object.keys(quotaWords) as QuotaResource[]

/** What the stock client calls it: `openstack quota set --NAME`. Null: it knows no such quota. */
export const quotaOption: Record<QuotaResource, string | null> = {
  instances: 'instances',
  vcpus: 'cores',
  memoryMib: 'ram',
  imageGib: null,
  images: null,
  networks: 'networks',
  subnets: 'subnets',
  ports: 'ports',
  routers: 'routers',
  floatingIps: 'floating-ips',
  securityGroups: 'secgroups',
  securityGroupRules: 'secgroup-rules',
  serverGroups: 'server-groups',
  keyPairs: 'key-pairs',
}
