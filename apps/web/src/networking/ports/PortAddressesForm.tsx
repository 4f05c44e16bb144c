'use client'
import { Text } from '@mantine/core'
import { useForm } from '@mantine/form'
import type { NetworkView, PortView } from '@stratolith/api/networking/contract'
import { useMutation } from '@tanstack/react-query'
import { notify } from '../../kit/notify.ts'
import { SidePanelForm } from '../../kit/SidePanelForm.tsx'
import { useSession } from '../../kit/session.ts'
import { useTRPC } from '../../kit/trpc.ts'
import { portAddressesCli } from '../cli.ts'
import { isInstancePort, portTitle } from './device.tsx'
import { FixedIpFields } from './FixedIpFields.tsx'
import { type FixedIpLine, fixedIpProblems, fixedIpsInput } from './port-form.ts'

/** The form for the addresses of a port in its network. */
export function PortAddressesForm({
  port,
  network,
  opened,
  onClose,
}: {
  port: PortView
  network: NetworkView
  opened: boolean
  onClose: () => void
}) {
  const trpc = useTRPC()
  const { isAdmin } = useSession()
  const update = useMutation(trpc.networking.ports.update.mutationOptions())
  const form = useForm<{ fixedIps: FixedIpLine[] }>({
    initialValues: { fixedIps: port.addresses.map(({ subnetId, address }) => ({ subnetId, address })) },
    validate: ({ fixedIps }) => fixedIpProblems(fixedIps, network.subnets),
  })
  return (
    <SidePanelForm
      needs={{ projectId: port.projectId }}
      title={`Addresses of port ${portTitle(port)}`}
      opened={opened}
      onClose={onClose}
      form={form}
      onSubmit={async ({ fixedIps }) => {
        await update.mutateAsync({ id: port.id, fixedIps: fixedIpsInput(fixedIps) })
        notify.started('The host applies the addresses of the port')
      }}
      submitLabel="Save"
      asCli={({ fixedIps }) => portAddressesCli(port.id, fixedIps)}
    >
      <FixedIpFields
        lines={form.values.fixedIps}
        set={(fixedIps) => form.setFieldValue('fixedIps', fixedIps)}
        subnets={network.subnets}
        mayChoose={isAdmin || network.own}
        errors={form.errors}
        none="Without an address nothing reaches it by IP."
      />
      {isInstancePort(port) && (
        <Text size="sm" c="dimmed">
          The guest gets a changed address by DHCP when it asks next, for example after a reboot. Connections
          to an address that goes break off.
        </Text>
      )}
    </SidePanelForm>
  )
}
