'use client'
import { Text } from '@mantine/core'
import type { ImageView } from '@stratolith/api/images/contract'
import { imageCan } from '@stratolith/api/images/states'
import {
  IconPencil,
  IconPlayerPlay,
  IconPlayerStop,
  IconRocket,
  IconTrash,
  IconUpload,
} from '@tabler/icons-react'
import { useMutation } from '@tanstack/react-query'
import { confirm } from '../kit/confirm.tsx'
import type { ResourceAction } from '../kit/descriptor.ts'
import { useRouter } from '../kit/navigation.tsx'
import { notify } from '../kit/notify.ts'
import { paths } from '../kit/paths.ts'
import type { Sender } from '../kit/place.ts'
import { all, useMay } from '../kit/rights.ts'
import { useSession } from '../kit/session.ts'
import { shellLine } from '../kit/shell.ts'
import { useTRPC } from '../kit/trpc.ts'
import { imageDeleteCli } from './cli.ts'
import { fileProblem, guessFormat } from './format.ts'
import { uploads } from './portal-uploads.ts'

/** The actions on an image; `edit` opens the panel of the image's page. */
export function useImageActions(
  options: {
    edit?: (image: ImageView) => void
    /** True: the image waits for its data, so uploading is its next step. */
    waiting?: boolean
  } = {},
): ResourceAction<ImageView>[] {
  const trpc = useTRPC()
  const router = useRouter()
  const may = useMay()
  const session = useSession()
  const remove = useMutation(trpc.images.delete.mutationOptions())
  const launch: ResourceAction<ImageView> = {
    id: 'launch',
    label: 'Launch',
    icon: <IconRocket size={16} />,
    allowed: (image) => all(may(), imageCan.launch(image)),
    open: (image) => router.push(`${paths.launch}?image=${image.id}`),
  }
  const upload: ResourceAction<ImageView> = {
    id: 'upload',
    label: 'Upload data',
    icon: <IconUpload size={16} />,
    next: () => true,
    allowed: (image) => all(may(image.own), imageCan.upload(image)),
    open: (image) => pickFile((file) => void uploadTo(image, file, session)),
  }
  const edit: ResourceAction<ImageView> = {
    id: 'edit',
    label: 'Edit',
    icon: <IconPencil size={16} />,
    allowed: (image) => may(image.own),
    open: options.edit,
  }
  const deactivating = useDeactivating()
  const erase: ResourceAction<ImageView> = {
    id: 'delete',
    label: 'Delete',
    icon: <IconTrash size={16} />,
    danger: true,
    bulk: true,
    allowed: (image) => all(may(image.own), imageCan.delete(image)),
    confirm: (images) => deleteQuestion(images),
    run: async (image) => {
      uploads.cancel(image.id)
      uploads.dismiss(image.id)
      await remove.mutateAsync({ id: image.id })
    },
    started: (images) =>
      images.length === 1 ? `Deleting image ${images[0]?.name ?? ''}` : `Deleting ${images.length} images`,
    asCli: imageDeleteCli,
  }
  // A list has no panel for one image, so its rows have only actions without a panel.
  if (!options.edit) return [launch, erase]
  return options.waiting ? [upload, launch, edit, erase] : [launch, edit, erase, ...deactivating]
}

/**
 * Deactivation keeps an image from being launched for a while; its data stay, and instances made from it go on running.
 */
function useDeactivating(): ResourceAction<ImageView>[] {
  const trpc = useTRPC()
  const may = useMay()
  const deactivate = useMutation(trpc.images.deactivate.mutationOptions())
  const reactivate = useMutation(trpc.images.reactivate.mutationOptions())
  return [
    {
      id: 'deactivate',
      label: 'Deactivate',
      icon: <IconPlayerStop size={16} />,
      allowed: (image) =>
        all(may(image.own), image.state === 'active' || 'Only an active image can be deactivated.'),
      confirm: ([image]) => ({
        title: `Deactivate “${image?.name ?? ''}”?`,
        body: 'Nobody launches or downloads it until it is active again. Instances that run on it go on.',
        confirmLabel: 'Deactivate',
      }),
      run: ({ id }) => deactivate.mutateAsync({ id }),
      started: ([image]) => `Deactivated ${image?.name ?? ''}`,
      asCli: ({ id }) => shellLine('openstack', 'image', 'set', '--deactivate', id),
    },
    {
      id: 'reactivate',
      label: 'Activate',
      icon: <IconPlayerPlay size={16} />,
      allowed: (image) => all(may(image.own), image.state === 'deactivated' || 'It is not deactivated.'),
      run: ({ id }) => reactivate.mutateAsync({ id }),
      started: ([image]) => `Activated ${image?.name ?? ''}`,
      asCli: ({ id }) => shellLine('openstack', 'image', 'set', '--activate', id),
    },
  ]
}

const deleteQuestion = (images: ImageView[]) => ({
  title: images.length === 1 ? `Delete image “${images[0]?.name ?? ''}”?` : `Delete ${images.length} images?`,
  body: (
    <Text size="sm">
      Its data is deleted and cannot be brought back. Instances that were launched from it keep running.
    </Text>
  ),
  confirmLabel: 'Delete',
})

/** Opens the system's own file dialog, without an input on the page. */
function pickFile(then: (file: File) => void): void {
  const input = document.createElement('input')
  input.type = 'file'
  input.addEventListener('change', () => {
    const file = input.files?.[0]
    if (file) then(file)
  })
  input.click()
}

/** Uploads the data of an image that waits for them; the format was decided when the image was made. */
async function uploadTo(image: ImageView, file: File, sender: Sender): Promise<void> {
  const head = new Uint8Array(await file.slice(0, 64).arrayBuffer())
  const problem = fileProblem(file.name, file.size, head)
  const found = guessFormat(head)
  if (problem) return notify.failed(new Error(problem))
  if (found === 'qcow2' && image.diskFormat === 'raw')
    return notify.failed(
      new Error(`${file.name} is QCOW2, but this image was made as raw. Create a new image for it.`),
    )
  uploads.start(image, file, sender)
}

/** Stops an upload after a question, and deletes the image, which has no data. */
export function useCancelUpload(): (image: { id: string; name: string }) => Promise<void> {
  const trpc = useTRPC()
  const remove = useMutation(trpc.images.delete.mutationOptions())
  return async (image) => {
    const sure = await confirm({
      title: `Cancel the upload of “${image.name}”?`,
      body: <Text size="sm">The image is deleted: without its data it is of no use.</Text>,
      confirmLabel: 'Cancel the upload',
      danger: true,
    })
    if (!sure) return
    uploads.cancel(image.id)
    uploads.dismiss(image.id)
    await remove.mutateAsync({ id: image.id }).catch(notify.failed)
  }
}
