import { Checkbox, NativeSelect, Stack } from '@mantine/core'
import type { UseFormReturnType } from '@mantine/form'
import { type ImageVisibility, imageVisibilities } from '@stratolith/api/images/states'
import { useSession } from '../kit/session.ts'
import { visibilityName } from './image.descriptor.tsx'

type Sharing = { visibility: ImageVisibility; protected: boolean }

const meaning: Record<ImageVisibility, string> = {
  private: 'Your project alone can launch it.',
  shared: 'Projects that you name can launch it.',
  community: 'Every project that knows its id can launch it.',
  public: 'Every project can launch it.',
}

/**
 * Who may use an image and whether it can be deleted. Publishing is for administrators; what is
 * public already (`isPublic`) its owner may take back.
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
        description={meaning[form.values.visibility]}
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
