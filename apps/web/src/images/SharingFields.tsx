import { Checkbox, NativeSelect, Stack } from '@mantine/core'
import type { UseFormReturnType } from '@mantine/form'
import { type ImageVisibility, imageVisibilities } from '@stratolith/api/images/states'
import { useSession } from '../kit/session.ts'
import { visibilityMeaning, visibilityName } from './image.descriptor.tsx'

type Sharing = { visibility: ImageVisibility; protected: boolean }

/**
 * The fields for who may use an image and whether it can be deleted. Only administrators may make an image public; the
 * owner of a public image (`isPublic`) may make it private again.
 */
export function SharingFields<Values extends Sharing>({
  form,
  isPublic = false,
}: {
  form: UseFormReturnType<Values>
  isPublic?: boolean
}) {
  const { isAdmin } = useSession()
  const mayPublish = isAdmin || isPublic
  return (
    <Stack gap="xs">
      <NativeSelect
        label="Visibility"
        description={visibilityMeaning[form.values.visibility]}
        data={imageVisibilities.map((value) => ({
          value,
          label: visibilityName[value],
          disabled: value === 'public' && !mayPublish,
        }))}
        {...form.getInputProps('visibility')}
      />
      <Checkbox
        label="Protected"
        description="It cannot be deleted until the protection is taken off."
        {...form.getInputProps('protected', { type: 'checkbox' })}
      />
    </Stack>
  )
}
