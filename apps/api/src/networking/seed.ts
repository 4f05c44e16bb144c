import { toAddress } from '@stratolith/drivers/network/ipv4'
import { adminProjectId } from '../directory/service.ts'
import { type Deps, inTransaction, systemCtx } from '../kernel/context.ts'
import { parseCidr } from './ipv4.ts'
import { createNetworkRow } from './networks/service.ts'
import { addSubnet } from './subnets/service.ts'

/** Makes the provider network "public", from which floating IPs come; the admin project owns it. Idempotent. */
export async function seedNetworking(deps: Deps): Promise<void> {
  const ctx = systemCtx(deps, 'seed-networking')
  const projectId = await adminProjectId(ctx)
  await inTransaction(ctx, async (tx) => {
    await tx.db.$executeRaw`SELECT pg_advisory_xact_lock(hashtext('seed-networking'))`
    if (await tx.db.network.findFirst({ where: { external: true } })) return
    const cidr = parseCidr(deps.config.externalCidr, 'STRATOLITH_EXTERNAL_CIDR')
    const network = await createNetworkRow(tx, projectId, {
      name: 'public',
      description: 'Where floating IPs come from.',
      external: true,
    })
    await addSubnet(tx, network, {
      name: 'public-subnet',
      cidr: cidr.text,
      gatewayIp: toAddress(cidr.first),
      dhcp: false,
      dns: [],
      pool: {
        start: toAddress(Math.min(cidr.first + 9, cidr.last)),
        end: toAddress(Math.max(cidr.last - 4, cidr.first + 9)),
      },
    })
  })
}
