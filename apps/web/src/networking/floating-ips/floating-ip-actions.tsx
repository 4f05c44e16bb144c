'use client'
import { Text } from '@mantine/core'
import type { FloatingIpView } from '@stratolith/api/networking/contract'
import { floatingIpCan } from '@stratolith/api/networking/states'
import { IconLink, IconPencil, IconTrash, IconUnlink } from '@tabler/icons-react'
import { useMutation } from '@tanstack/react-query'
import type { ResourceAction } from '../../kit/descriptor.ts'
import { all, useMay } from '../../kit/rights.ts'
import { useSession } from '../../kit/session.ts'
import { useTRPC } from '../../kit/trpc.ts'
import { floatingIpDeleteCli, floatingIpDisassociateCli } from '../cli.ts'

export function useFloatingIpActions(options: {
  associate: (fip: FloatingIpView) => void
  edit: (fip: FloatingIpView) => void
}): ResourceAction<FloatingIpView>[] {
  const trpc = useTRPC()
  const may = useMay()
  const here = useSession().project?.id
  const mine = (fip: FloatingIpView) => may(fip.projectId === here)
  const change = useMutation(trpc.networking.floatingIps.associate.mutationOptions())
  const remove = useMutation(trpc.networking.floatingIps.delete.mutationOptions())
  const edit: ResourceAction<FloatingIpView> = {
    id: 'edit',
    label: 'Edit description',
    icon: <IconPencil size={16} />,
    allowed: mine,
    open: options.edit,
  }
  const link: ResourceAction<FloatingIpView> = {
    id: 'associate',
    label: 'Associate',
    icon: <IconLink size={16} />,
    allowed: (fip) => all(mine(fip), floatingIpCan.associate(fip)),
    open: options.associate,
  }
  const unlink: ResourceAction<FloatingIpView> = {
    id: 'disassociate',
    label: 'Disassociate',
    icon: <IconUnlink size={16} />,
    bulk: true,
    allowed: (fip) => all(mine(fip), floatingIpCan.disassociate(fip)),
    confirm: (fips) => ({
      title: `Disassociate ${textOf(fips)}?`,
      body: <Text size="sm">The instance is no longer reachable from outside. The address stays yours.</Text>,
      confirmLabel: 'Disassociate',
    }),
    run: (fip) => change.mutateAsync({ id: fip.id, portId: null }),
    started: (fips) => `Disassociating ${textOf(fips)}`,
    asCli: (fip) => floatingIpDisassociateCli(fip.id),
  }
  const release: ResourceAction<FloatingIpView> = {
    id: 'release',
    label: 'Release',
    icon: <IconTrash size={16} />,
    danger: true,
    bulk: true,
    allowed: mine,
    confirm: (fips) => ({
      title: `Release ${textOf(fips)}?`,
      body: (
        <Text size="sm">
          {fips.some((fip) => fip.portId !== null) &&
            'What it leads to is no longer reachable from outside. '}
          Somebody else may get the address next.
        </Text>
      ),
      confirmLabel: 'Release',
    }),
    run: (fip) => remove.mutateAsync({ id: fip.id }),
    started: (fips) => `Released ${textOf(fips)}`,
    asCli: (fip) => floatingIpDeleteCli(fip.id),
  }
  return [link, unlink, edit, release]
}

const textOf = (fips: FloatingIpView[]): string =>
  fips.length === 1 ? (fips[0]?.address ?? '') : `${fips.length} floating IPs`
