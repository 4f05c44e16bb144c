'use client'
import { Box } from '@mantine/core'
import type { KeyPairCreated } from '@stratolith/api/compute/contract'
import { useState } from 'react'
import { lazyPanel } from '../../kit/lazy-panel.tsx'
import { lazyPart } from '../../kit/lazy-part.tsx'
import { MainAction } from '../../kit/MainAction.tsx'
import { ResourceTable } from '../../kit/ResourceTable.tsx'
import { useUrlPanel } from '../../kit/url-state.ts'
import { PageHeader } from '../../ui/PageHeader.tsx'
import { keyPairDescriptor } from './descriptor.tsx'
import { keyPairList } from './list.ts'
import { useKeyPairActions } from './use-key-pair-actions.tsx'

const PrivateKeyOnce = lazyPart(() => import('./PrivateKeyOnce.tsx').then((module) => module.PrivateKeyOnce))
const KeyPairCreateForm = lazyPanel(() =>
  import('./KeyPairCreateForm.tsx').then((module) => module.KeyPairCreateForm),
)

export function KeyPairsPage() {
  const panel = useUrlPanel('create')
  const [made, setMade] = useState<KeyPairCreated | null>(null)
  return (
    <>
      <PageHeader
        title="Key pairs"
        description="Yours, in every project. Instances keep the key they were launched with."
        actions={<MainAction label="Create key pair" to={{ onClick: panel.open }} />}
      />
      {made && (
        <Box mb="md">
          <PrivateKeyOnce pair={made} onDone={() => setMade(null)} />
        </Box>
      )}
      <ResourceTable descriptor={keyPairDescriptor} actions={useKeyPairActions()} query={keyPairList} />
      <KeyPairCreateForm opened={panel.opened} onClose={panel.close} onMade={setMade} />
    </>
  )
}
