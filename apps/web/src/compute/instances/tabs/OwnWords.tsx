'use client'
import { Stack } from '@mantine/core'
import type { InstanceView } from '@stratolith/api/compute/contract'
import { useMutation } from '@tanstack/react-query'
import { AsCode } from '../../../kit/AsCode.tsx'
import { KeyValues } from '../../../kit/KeyValues.tsx'
import { all, useMay } from '../../../kit/rights.ts'
import { useSession } from '../../../kit/session.ts'
import { TagsField } from '../../../kit/TagsField.tsx'
import { useTRPC } from '../../../kit/trpc.ts'
import { Section } from '../../../ui/Section.tsx'
import { metadataSetCli, metadataUnsetCli, tagsCli } from '../cli.ts'

/**
 * What people write on an instance: tags, by which lists can be filtered, and metadata, which the guest can read, too.
 */
export function OwnWords({ view }: { view: InstanceView }) {
  const trpc = useTRPC().compute.instances
  const may = useMay()
  const { isAdmin } = useSession()
  const setTags = useMutation(trpc.setTags.mutationOptions())
  const setItem = useMutation(trpc.setMetadata.mutationOptions())
  const removeItem = useMutation(trpc.removeMetadata.mutationOptions())
  const there = view.taskState !== 'deleting' || 'The instance is being deleted.'
  const unlocked = !view.locked || isAdmin || 'The instance is locked. Unlock it first.'
  return (
    <>
      <Section title="Tags">
        <Stack gap="sm">
          <TagsField
            kind="instance"
            tags={view.tags}
            allowed={all(may(), there)}
            save={(tags) => setTags.mutateAsync({ id: view.id, tags })}
          />
          {view.tags.length > 0 && <AsCode cli={tagsCli(view.id, view.tags)} />}
        </Stack>
      </Section>
      <KeyValues
        kind="instance"
        title="Metadata"
        description="The guest reads it at its metadata service; what is new there, after its next start."
        noun="Metadata item"
        plural="Metadata"
        items={view.metadata}
        allowed={all(may(), there, unlocked)}
        set={(key, value) => setItem.mutateAsync({ id: view.id, key, value })}
        remove={(key) => removeItem.mutateAsync({ id: view.id, key })}
        setCli={(key, value) => metadataSetCli(view.id, key, value)}
        removeCli={(key) => metadataUnsetCli(view.id, key)}
        example={{ key: 'role', value: 'db' }}
        mayBeEmpty
      />
    </>
  )
}
