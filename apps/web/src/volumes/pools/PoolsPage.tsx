'use client'
import type { PoolView } from '@stratolith/api/volumes/contract'
import { useQuery } from '@tanstack/react-query'
import { Loaded } from '../../kit/Loaded.tsx'
import { RowsTable } from '../../kit/RowsTable.tsx'
import { useTRPC } from '../../kit/trpc.ts'
import { PageHeader } from '../../ui/PageHeader.tsx'
import { poolDescriptor } from './descriptor.tsx'

export function PoolsPage() {
  const trpc = useTRPC()
  const pools = useQuery(trpc.volumes.pools.list.queryOptions())
  return (
    <>
      <PageHeader
        title="Volume pools"
        description="Where volumes lie. The disk of each machine is a pool, which its instances share."
      />
      <Loaded query={pools}>
        {(rows: PoolView[]) => <RowsTable descriptor={poolDescriptor} rows={rows} />}
      </Loaded>
    </>
  )
}
