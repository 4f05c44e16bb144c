'use client'
import { Stack } from '@mantine/core'
import type { PoolView } from '@stratolith/api/volumes/contract'
import { useQuery } from '@tanstack/react-query'
import { Loaded } from '../../kit/Loaded.tsx'
import { lazyPanel } from '../../kit/lazy-panel.tsx'
import { MainAction } from '../../kit/MainAction.tsx'
import { RowsTable } from '../../kit/RowsTable.tsx'
import { useAdminOnly } from '../../kit/rights.ts'
import { useSession } from '../../kit/session.ts'
import { useTRPC } from '../../kit/trpc.ts'
import { useUrlPanel } from '../../kit/url-state.ts'
import { PageHeader } from '../../ui/PageHeader.tsx'
import { BackupStores } from '../backups/BackupStores.tsx'
import { UnknownBackups } from '../backups/UnknownBackups.tsx'
import { poolDescriptor } from './descriptor.tsx'
import { usePoolActions } from './use-pool-actions.tsx'

const PoolCreateForm = lazyPanel(() => import('./PoolCreateForm.tsx').then((module) => module.PoolCreateForm))

export function PoolsPage() {
  const trpc = useTRPC()
  const admin = useAdminOnly()
  const { isAdmin } = useSession()
  const panel = useUrlPanel('create')
  const { actions, panels } = usePoolActions()
  const pools = useQuery(trpc.volumes.pools.list.queryOptions())
  return (
    <>
      <PageHeader
        title="Volume pools"
        description="Where volumes lie. The disk of each machine is a pool, which its instances share."
        actions={<MainAction label="Create volume pool" allowed={admin()} to={{ onClick: panel.open }} />}
      />
      <Stack gap="md">
        <Loaded query={pools}>
          {(rows: PoolView[]) => <RowsTable descriptor={poolDescriptor} rows={rows} actions={actions} />}
        </Loaded>
        {isAdmin && <BackupStores />}
        {isAdmin && <UnknownBackups />}
      </Stack>
      {panels}
      <PoolCreateForm opened={panel.opened} onClose={panel.close} />
    </>
  )
}
