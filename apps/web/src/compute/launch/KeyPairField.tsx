'use client'
import { Button, Group, NativeSelect, Stack } from '@mantine/core'
import type { KeyPairCreated, KeyPairView } from '@stratolith/api/compute/contract'
import { IconPlus } from '@tabler/icons-react'
import { useState } from 'react'
import { lazyPart } from '../../kit/lazy-part.tsx'
import { FormSection } from './FormSection.tsx'

/** This code is loaded when somebody wants a new key. */
const NewKeyPair = lazyPart(() => import('./NewKeyPair.tsx').then((m) => m.NewKeyPair))
const PrivateKeyOnce = lazyPart(() => import('../key-pairs/PrivateKeyOnce.tsx').then((m) => m.PrivateKeyOnce))

type Props = {
  keyPairs: KeyPairView[]
  value: string | null
  onChange: (name: string | null) => void
  error?: string
}

/** The field to choose a key pair, or to make one without leaving the form; a new pair is chosen at once. */
export function KeyPairField({ keyPairs, value, onChange, error }: Props) {
  const [adding, setAdding] = useState(false)
  const [made, setMade] = useState<KeyPairCreated | null>(null)
  const names = [...new Set([...(made ? [made.name] : []), ...keyPairs.map((pair) => pair.name)])]
  return (
    <FormSection title="Key pair">
      <Stack gap="sm">
        <Group align="flex-end" gap="sm" wrap="wrap">
          <NativeSelect
            flex="1 1 200px"
            label="Log in with"
            data={[{ value: '', label: 'No key: log in with the image’s own password' }, ...names]}
            value={value ?? ''}
            onChange={(event) => onChange(event.currentTarget.value || null)}
            error={error}
          />
          {!adding && (
            <Button variant="default" leftSection={<IconPlus size={16} />} onClick={() => setAdding(true)}>
              New key pair
            </Button>
          )}
        </Group>
        {adding && (
          <NewKeyPair
            onCancel={() => setAdding(false)}
            onMade={(pair) => {
              setAdding(false)
              setMade(pair.privateKey ? pair : null)
              onChange(pair.name)
            }}
          />
        )}
        {made && <PrivateKeyOnce pair={made} onDone={() => setMade(null)} />}
      </Stack>
    </FormSection>
  )
}
