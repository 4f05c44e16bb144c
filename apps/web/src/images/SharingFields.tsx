import { Checkbox, Stack } from '@mantine/core'
import type { UseFormReturnType } from '@mantine/form'
import { useSession } from '../kit/session.ts'

type Sharing = { visibility: string; protected: boolean }

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
  const visibility = form.getInputProps('visibility')
  return (
    <Stack gap="xs">
      <Checkbox
        label="Public"
        description={
          mayPublish ? 'Every project can launch it.' : 'Only an administrator can make an image public.'
        }
        disabled={!mayPublish}
        checked={form.values.visibility === 'public'}
        onChange={(event) => visibility.onChange(event.currentTarget.checked ? 'public' : 'private')}
        error={visibility.error}
      />
      <Checkbox
        label="Protected"
        description="It cannot be deleted until the protection is taken off."
        {...form.getInputProps('protected', { type: 'checkbox' })}
      />
    </Stack>
  )
}
