import { onProjectCreated, onProjectDeleting } from '../directory/service.ts'
import { defineDocument } from '../hosts/service.ts'
import { defineRoom } from '../kernel/manifest.ts'
import { networkingDocuments } from './documents.ts'
import { networkDiscovery, networkPath } from './openstack/discovery.ts'
import { networkOperations } from './openstack/operations.ts'
import { networkingPolicy } from './policy.ts'
import { networkingContents } from './project-deletion.ts'
import { networkingReconciler } from './reconcile.ts'
import { networkingRouter } from './router.ts'
import { ensureDefaultSecurityGroup } from './security-groups/service.ts'
import { networkingWorkflows } from './workflows.ts'

declare module '../kernel/contract.ts' {
  interface QuotaResources {
    networks: true
    subnets: true
    ports: true
    routers: true
    floatingIps: true
    securityGroups: true
    securityGroupRules: true
  }
}

export const networkingRoom = defineRoom({
  name: 'networking',
  uses: ['directory', 'quota', 'hosts'],
  kinds: {
    network: { buried: true },
    subnet: {},
    port: { buried: true },
    router: { buried: true },
    floatingIp: {},
    securityGroup: { buried: true },
  },
  quota: {
    networks: { lock: 7, words: 'networks', limit: 20, rows: { table: 'Network' } },
    subnets: { lock: 8, words: 'subnets', limit: 40, rows: { table: 'Subnet' } },
    ports: { lock: 9, words: 'ports', limit: 200, rows: { table: 'Port' } },
    routers: { lock: 10, words: 'routers', limit: 10, rows: { table: 'Router' } },
    floatingIps: { lock: 11, words: 'floating IPs', limit: 20, rows: { table: 'FloatingIp' } },
    securityGroups: { lock: 12, words: 'security groups', limit: 30, rows: { table: 'SecurityGroup' } },
    securityGroupRules: {
      lock: 13,
      words: 'security group rules',
      limit: 300,
      rows: { table: 'SecurityGroupRule' },
    },
  },
  policy: networkingPolicy,
  router: networkingRouter,
  openstack: [
    {
      service: 'network',
      facade: { prefix: '/network', style: 'neutron', ids: 'uuid', canonicalPath: networkPath },
      catalog: { name: 'neutron', path: '/network' },
      operations: [
        { below: [''], operations: networkDiscovery },
        { below: ['/v2.0'], operations: networkOperations },
      ],
    },
  ],
  workflows: networkingWorkflows,
  reconcilers: [networkingReconciler],
  joins() {
    for (const thing of networkingContents) onProjectDeleting(thing)
    for (const document of networkingDocuments) defineDocument(document)
    onProjectCreated(async (ctx, project) => {
      await ensureDefaultSecurityGroup(ctx, project.id)
    })
  },
})
