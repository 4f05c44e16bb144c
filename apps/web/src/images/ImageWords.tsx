'use client'
import { Stack } from '@mantine/core'
import type { ImageView } from '@stratolith/api/images/contract'
import { useMutation } from '@tanstack/react-query'
import { AsCode } from '../kit/AsCode.tsx'
import { KeyValues } from '../kit/KeyValues.tsx'
import { useMay } from '../kit/rights.ts'
import { TagsField } from '../kit/TagsField.tsx'
import { useTRPC } from '../kit/trpc.ts'
import { Section } from '../ui/Section.tsx'
import { imagePropertySetCli, imagePropertyUnsetCli, imageTagsCli } from './cli.ts'

/** What people write on an image: tags, by which lists can be filtered, and properties, which launches read, too. */
export function ImageWords({ image }: { image: ImageView }) {
  const trpc = useTRPC().images
  const may = useMay()
  const update = useMutation(trpc.update.mutationOptions())
  const set = useMutation(trpc.setProperty.mutationOptions())
  const remove = useMutation(trpc.removeProperty.mutationOptions())
  const { id, tags } = image
  return (
    <>
      <Section title="Tags">
        <Stack gap="sm">
          <TagsField
            kind="image"
            tags={tags}
            allowed={may(image.own)}
            save={(next) => update.mutateAsync({ id, tags: next })}
          />
          {tags.length > 0 && <AsCode cli={imageTagsCli(id, tags)} />}
        </Stack>
      </Section>
      <KeyValues
        kind="image"
        title="Properties"
        description="os_admin_user says whom to log in as. Other keys are notes of yours."
        noun="Property"
        plural="Properties"
        items={image.properties}
        allowed={may(image.own)}
        set={(key, value) => set.mutateAsync({ id, key, value })}
        remove={(key) => remove.mutateAsync({ id, key })}
        setCli={(key, value) => imagePropertySetCli(id, key, value)}
        removeCli={(key) => imagePropertyUnsetCli(id, key)}
        example={{ key: 'os_admin_user', value: 'debian' }}
        mayBeEmpty
      />
    </>
  )
}
