import type { DiskFormat, ImageView } from '@stratolith/api/images/contract'
import { shellLine } from '../kit/shell.ts'

export type ImageFormValues = Pick<
  ImageView,
  'name' | 'description' | 'visibility' | 'minDiskGib' | 'minRamMib' | 'protected'
> & { diskFormat: DiskFormat }

/** The stock client's words for what the form does. */
export const imageCreateCli = (values: ImageFormValues, fileName: string | null): string =>
  shellLine(
    ...['openstack', 'image', 'create'],
    ...['--disk-format', values.diskFormat, '--container-format', 'bare'],
    ...(values.minDiskGib > 0 ? ['--min-disk', values.minDiskGib] : []),
    ...(values.minRamMib > 0 ? ['--min-ram', values.minRamMib] : []),
    `--${values.visibility}`,
    values.protected && '--protected',
    ...(values.description ? ['--property', `description=${values.description}`] : []),
    ...(fileName === null ? [] : ['--file', fileName]),
    values.name || 'NAME',
  )

export const imageSetCli = (
  image: Pick<ImageView, 'id' | 'name' | 'description' | 'visibility' | 'protected'>,
  values: Pick<ImageView, 'name' | 'description' | 'visibility' | 'protected'>,
): string =>
  shellLine(
    ...['openstack', 'image', 'set'],
    ...(values.name === image.name ? [] : ['--name', values.name]),
    ...(values.description === image.description ? [] : ['--property', `description=${values.description}`]),
    values.visibility !== image.visibility && `--${values.visibility}`,
    values.protected !== image.protected && (values.protected ? '--protected' : '--unprotected'),
    image.id,
  )

export const imageDeleteCli = (image: Pick<ImageView, 'id'>): string =>
  shellLine('openstack', 'image', 'delete', image.id)

export const imageRemoveProjectCli = (imageId: string, projectId: string): string =>
  shellLine('openstack', 'image', 'remove', 'project', imageId, projectId)
