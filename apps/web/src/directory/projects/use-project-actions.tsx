'use client'
import type { ProjectDetail } from '@stratolith/api/directory/projects/contract'
import { IconFolderPlus, IconPencil, IconPlayerPlay, IconPlayerStop, IconTrash } from '@tabler/icons-react'
import { useMutation } from '@tanstack/react-query'
import type { ResourceAction } from '../../kit/descriptor.ts'
import { useRouter } from '../../kit/navigation.tsx'
import { paths } from '../../kit/paths.ts'
import { all, useManage } from '../../kit/rights.ts'
import { useSession } from '../../kit/session.ts'
import { shellLine } from '../../kit/shell.ts'
import { useTRPC } from '../../kit/trpc.ts'

/** The panels for editing and deleting are on the project's own page, so these actions go there. */
export function useProjectActions(): ResourceAction<ProjectDetail>[] {
  const trpc = useTRPC()
  const manage = useManage()
  const router = useRouter()
  const { place } = useSession()
  const update = useMutation(trpc.directory.projects.update.mutationOptions())
  const still = (view: ProjectDetail) => all(manage(view.domainId), !view.deleting || 'It is being deleted.')
  const goTo = (view: ProjectDetail, panel: string) => router.push(`${paths.project(view.id)}?${panel}=1`)
  return [
    {
      id: 'edit',
      label: 'Edit',
      icon: <IconPencil size={16} />,
      allowed: still,
      open: (view) => goTo(view, 'edit'),
    },
    {
      id: 'below',
      label: 'Create project below',
      icon: <IconFolderPlus size={16} />,
      allowed: still,
      open: (view) => goTo(view, 'below'),
    },
    {
      id: 'delete',
      label: 'Delete',
      icon: <IconTrash size={16} />,
      danger: true,
      allowed: (view) =>
        all(
          manage(view.domainId),
          view.id !== place || 'You are working in it. Switch to another project first.',
        ),
      open: (view) => goTo(view, 'delete'),
    },
    {
      id: 'disable',
      opposite: 'enable',
      label: 'Disable',
      icon: <IconPlayerStop size={16} />,
      danger: true,
      bulk: true,
      allowed: (view) =>
        all(
          still(view),
          view.id !== place || 'You are working in it. Switch to another project first.',
          view.enabled || 'It is disabled.',
        ),
      confirm: (views) => ({
        title: views.length === 1 ? `Disable ${views[0]?.name}?` : `Disable ${views.length} projects?`,
        body: 'Everybody who works in it is signed out of it at once, and nobody can work in it until it is enabled again. Its instances go on running.',
        confirmLabel: 'Disable',
      }),
      run: ({ id }) => update.mutateAsync({ id, enabled: false }),
      started: (views) =>
        views.length === 1 ? `Disabled ${views[0]?.name}` : `Disabled ${views.length} projects`,
      asCli: ({ id }) => shellLine('openstack', 'project', 'set', '--disable', id),
    },
    {
      id: 'enable',
      opposite: 'disable',
      label: 'Enable',
      icon: <IconPlayerPlay size={16} />,
      bulk: true,
      allowed: (view) => all(still(view), !view.enabled || 'It is enabled.'),
      run: ({ id }) => update.mutateAsync({ id, enabled: true }),
      started: (views) =>
        views.length === 1 ? `Enabled ${views[0]?.name}` : `Enabled ${views.length} projects`,
      asCli: ({ id }) => shellLine('openstack', 'project', 'set', '--enable', id),
    },
  ]
}
