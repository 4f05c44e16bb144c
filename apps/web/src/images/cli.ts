import type { DiskFormat, ImageView } from '@stratolith/api/images/contract'
import { shellLine } from '../kit/shell.ts'

export type ImageFormValues = Pick<
  ImageView,
  'name' | 'description' | 'visibility' | 'minDiskGib' | 'minRamMib' | 'protected'
> & { diskFormat: DiskFormat }

/** The stock client's commands for the form. */
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

export type ImageEditValues = Pick<
  ImageView,
  'name' | 'description' | 'visibility' | 'protected' | 'hidden' | 'minDiskGib' | 'minRamMib'
>
export const imageSetCli = (image: ImageEditValues & { id: string }, values: ImageEditValues): string =>
  shellLine(
    ...['openstack', 'image', 'set'],
    ...(values.name === image.name ? [] : ['--name', values.name]),
    ...(values.description === image.description ? [] : ['--property', `description=${values.description}`]),
    values.visibility !== image.visibility && `--${values.visibility}`,
    values.protected !== image.protected && (values.protected ? '--protected' : '--unprotected'),
    values.hidden !== image.hidden && (values.hidden ? '--hidden' : '--unhidden'),
    ...(values.minDiskGib === image.minDiskGib ? [] : ['--min-disk', values.minDiskGib]),
    ...(values.minRamMib === image.minRamMib ? [] : ['--min-ram', values.minRamMib]),
    image.id,
  )

export const imagePropertySetCli = (id: string, key: string, value: string): string =>
  shellLine('openstack', 'image', 'set', '--property', `${key}=${value}`, id)
export const imagePropertyUnsetCli = (id: string, key: string): string =>
  shellLine('openstack', 'image', 'unset', '--property', key, id)
export const imageTagsCli = (id: string, tags: readonly string[]): string =>
  shellLine('openstack', 'image', 'set', ...tags.flatMap((tag) => ['--tag', tag]), id)

export const imageDeleteCli = (image: Pick<ImageView, 'id'>): string =>
  shellLine('openstack', 'image', 'delete', image.id)

export const imageRemoveProjectCli = (imageId: string, projectId: string): string =>
  shellLine('openstack', 'image', 'remove', 'project', imageId, projectId)
