'use client'
import { Text } from '@mantine/core'
import type { InstanceView } from '@stratolith/api/compute/contract'
import { instanceCan } from '@stratolith/api/compute/states'
import type { Allowed } from '@stratolith/api/kernel/contract'
import {
  IconBolt,
  IconFirstAidKit,
  IconLock,
  IconLockOpen,
  IconPencil,
  IconPlayerPause,
  IconPlayerPlay,
  IconPlayerStop,
  IconPlayerTrackNext,
  IconRefresh,
  IconTrash,
  IconWorld,
} from '@tabler/icons-react'
import { useMutation } from '@tanstack/react-query'
import type { ResourceAction } from '../../kit/descriptor.ts'
import { all, useMay } from '../../kit/rights.ts'
import { useSession } from '../../kit/session.ts'
import { shellLine } from '../../kit/shell.ts'
import { useTRPC } from '../../kit/trpc.ts'
import { DeletionText } from './DeletionText.tsx'
import { releaseOption } from './deletion-words.ts'
import { freeAddresses } from './floating-ip-choices.ts'
import type { InstanceForm } from './forms/use-instance-forms.tsx'
import { asLockedFor } from './lock-words.ts'

type Action = ResourceAction<InstanceView>
type Opens = (form: InstanceForm, view: InstanceView) => void
const nowhere: Opens = () => undefined

const named = (views: InstanceView[]): string =>
  views.length === 1 ? `“${views[0]?.name}”` : `${views.length} instances`

const ask = (verb: string, consequence: string) => (views: InstanceView[]) => ({
  title: `${verb} ${named(views)}?`,
  confirmLabel: views.length === 1 ? verb : `${verb} ${views.length}`,
  body: <Text size="sm">{consequence}</Text>,
})

/**
 * The actions on an instance: the contract says in which states they are possible, and the role says for whom. `open`
 * opens the forms of actions that ask for more (useInstanceForms); without `open` these actions are left out, and a
 * lock has no reason.
 */
export function useInstanceActions(open?: Opens): Action[] {
  const trpc = useTRPC().compute.instances
  const may = useMay()
  const start = useMutation(trpc.start.mutationOptions())
  const stop = useMutation(trpc.stop.mutationOptions())
  const remove = useMutation(trpc.delete.mutationOptions())
  const action = useAction()
  const edit: Action = {
    id: 'edit',
    label: 'Edit',
    icon: <IconPencil size={16} />,
    allowed: () => may(),
    open: (view) => open?.('edit', view),
  }
  const rebooting = useRebooting()
  const pausing = usePausing()
  const locking = useLocking(open)
  const floatingIp = useFloatingIpAction(open ?? nowhere)
  const resetting = useResetting(open ?? nowhere)
  return [
    action(instanceCan.start, ['start'], {
      id: 'start',
      label: 'Start',
      icon: <IconPlayerPlay size={16} />,
      opposite: 'stop',
      next: () => true,
      run: ({ id }) => start.mutateAsync({ id }),
      started: (views) => `Starting ${named(views)}`,
    }),
    action(instanceCan.stop, ['stop'], {
      id: 'stop',
      label: 'Stop',
      icon: <IconPlayerStop size={16} />,
      opposite: 'start',
      confirm: ask(
        'Stop',
        'The guest is asked to shut down, and switched off when it does not. Its disk stays.',
      ),
      run: ({ id }) => stop.mutateAsync({ id }),
      started: (views) => `Stopping ${named(views)}`,
    }),
    ...rebooting,
    ...pausing,
    ...(open ? [edit, floatingIp] : []),
    ...locking,
    ...(open ? resetting : []),
    action(instanceCan.delete, ['delete'], {
      id: 'delete',
      label: 'Delete',
      icon: <IconTrash size={16} />,
      danger: true,
      confirm: (views) => ({
        ...ask('Delete', '')(views),
        body: <DeletionText views={views} />,
        option: releaseOption(views),
      }),
      run: ({ id, ownFloatingIpId }, ticked) =>
        remove.mutateAsync({ id, releasePublicIp: ownFloatingIpId === null || ticked }),
      started: (views) => `Deleting ${named(views)}`,
    }),
  ]
}

function useAction() {
  const may = useMay()
  const { isAdmin } = useSession()
  return (
    can: (view: InstanceView) => Allowed,
    command: string[],
    rest: Omit<Action, 'allowed' | 'asCli' | 'bulk'>,
  ): Action => ({
    ...rest,
    bulk: true,
    allowed: (view) => all(may(), can(asLockedFor(isAdmin, view))),
    asCli: (view) => shellLine('openstack', 'server', ...command, view.id),
  })
}

function useRebooting(): Action[] {
  const trpc = useTRPC().compute.instances
  const action = useAction()
  const reboot = useMutation(trpc.reboot.mutationOptions())
  return [
    action(instanceCan.rebootSoft, ['reboot', '--soft'], {
      id: 'reboot',
      label: 'Reboot',
      icon: <IconRefresh size={16} />,
      run: ({ id }) => reboot.mutateAsync({ id, kind: 'soft' }),
      started: (views) => `Rebooting ${named(views)}`,
    }),
    action(instanceCan.rebootHard, ['reboot', '--hard'], {
      id: 'reset',
      label: 'Hard reboot',
      icon: <IconBolt size={16} />,
      // An instance that has never run has nothing to reboot.
      next: ({ status, launchedAt }) => status === 'ERROR' && launchedAt !== null,
      confirm: ask(
        'Hard reboot',
        'Like the reset button: what the guest has not written to its disk is lost.',
      ),
      run: ({ id }) => reboot.mutateAsync({ id, kind: 'hard' }),
      started: (views) => `Hard rebooting ${named(views)}`,
    }),
  ]
}

function usePausing(): Action[] {
  const trpc = useTRPC().compute.instances
  const action = useAction()
  const pause = useMutation(trpc.pause.mutationOptions())
  const unpause = useMutation(trpc.unpause.mutationOptions())
  return [
    action(instanceCan.pause, ['pause'], {
      id: 'pause',
      label: 'Pause',
      icon: <IconPlayerPause size={16} />,
      opposite: 'unpause',
      run: ({ id }) => pause.mutateAsync({ id }),
      started: (views) => `Pausing ${named(views)}`,
    }),
    action(instanceCan.unpause, ['unpause'], {
      id: 'unpause',
      label: 'Resume',
      icon: <IconPlayerTrackNext size={16} />,
      opposite: 'pause',
      next: () => true,
      run: ({ id }) => unpause.mutateAsync({ id }),
      started: (views) => `Resuming ${named(views)}`,
    }),
  ]
}

/**
 * Leads a floating IP to the instance. The floating IPs are those of the session's project, so the instance must be of
 * this project, too.
 */
export function useFloatingIpAction(open: Opens): Action {
  const may = useMay()
  const { project } = useSession()
  return {
    id: 'floating-ip',
    label: 'Associate floating IP',
    icon: <IconWorld size={16} />,
    allowed: (view) =>
      all(
        may(),
        view.projectId === project?.id ||
          'Switch to its project first: floating IPs are offered that it has.',
        view.taskState !== 'deleting' || 'It is being deleted.',
        view.addresses.length > 0 || 'It has no address that a floating IP could lead to.',
        freeAddresses(view.addresses).length > 0 || 'A floating IP leads to each of its addresses already.',
      ),
    open: (view) => open('floatingIp', view),
  }
}

/** An action for administrators only; others do not see it. */
function useResetting(open: Opens): Action[] {
  const { isAdmin } = useSession()
  if (!isAdmin) return []
  return [
    {
      id: 'reset-state',
      label: 'Reset state',
      icon: <IconFirstAidKit size={16} />,
      allowed: (view) => view.taskState !== 'deleting' || 'It is being deleted.',
      open: (view) => open('reset', view),
    },
  ]
}

function useLocking(open: Opens | undefined): Action[] {
  const trpc = useTRPC().compute.instances
  const may = useMay()
  const { isAdmin } = useSession()
  const lock = useMutation(trpc.lock.mutationOptions())
  const unlock = useMutation(trpc.unlock.mutationOptions())
  return [
    {
      id: 'lock',
      label: 'Lock',
      icon: <IconLock size={16} />,
      opposite: 'unlock',
      allowed: (view) => all(may(), instanceCan.lock(view)),
      ...(open
        ? { open: (view: InstanceView) => open('lock', view) }
        : {
            run: ({ id }: InstanceView) => lock.mutateAsync({ id }),
            started: (views: InstanceView[]) => `Locked ${named(views)}`,
          }),
    },
    {
      id: 'unlock',
      label: 'Unlock',
      icon: <IconLockOpen size={16} />,
      opposite: 'lock',
      // Nothing else is possible with a locked instance.
      next: () => true,
      allowed: (view) =>
        all(
          may(),
          instanceCan.unlock(view),
          !view.lockedByAdmin ||
            isAdmin ||
            'An administrator has locked it, and only an administrator can unlock it.',
        ),
      run: ({ id }) => unlock.mutateAsync({ id }),
      started: (views) => `Unlocked ${named(views)}`,
      asCli: ({ id }) => shellLine('openstack', 'server', 'unlock', id),
    },
  ]
}
