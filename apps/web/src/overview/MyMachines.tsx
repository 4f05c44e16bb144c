'use client'
import { ActionIcon, Anchor, Button, Group, Text } from '@mantine/core'
import type { InstanceView } from '@stratolith/api/compute/contract'
import { IconDeviceDesktop, IconTerminal2 } from '@tabler/icons-react'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { InstanceState } from '../compute/instances/InstanceState.tsx'
import { loginOf, sshCommand } from '../compute/instances/login.ts'
import { privateKeyFile } from '../compute/key-pairs/private-key.ts'
import { Loaded } from '../kit/Loaded.tsx'
import { Link } from '../kit/navigation.tsx'
import { notify } from '../kit/notify.ts'
import { paths } from '../kit/paths.ts'
import { useTRPC } from '../kit/trpc.ts'
import { CopyText } from '../ui/CopyText.tsx'
import { Hint } from '../ui/Hint.tsx'
import { Section } from '../ui/Section.tsx'
import classes from './MyMachines.module.css'
import { machineRead } from './reads.ts'

/** The newest instances of the project, with the ways to log in. */
export function MyMachines() {
  const trpc = useTRPC()
  const query = useQuery(machineRead(trpc))
  return (
    <Section
      title="Instances"
      action={
        <Anchor component={Link} href={paths.instances} size="sm">
          All instances
        </Anchor>
      }
    >
      <Loaded query={query}>
        {({ items }) => (
          <ul className={classes.list}>
            {items.map((view) => (
              <Machine key={view.id} view={view} />
            ))}
          </ul>
        )}
      </Loaded>
    </Section>
  )
}

function Machine({ view }: { view: InstanceView }) {
  const entry = view.addresses.find(({ floatingIp }) => floatingIp) ?? view.addresses[0]
  const address = entry?.floatingIp ?? entry?.address
  return (
    <li className={classes.machine}>
      <Anchor component={Link} href={paths.instance(view.id)} size="sm" fw={600} className={classes.name}>
        {view.name}
      </Anchor>
      <InstanceState view={view} />
      <span className={classes.address}>
        {address ? (
          <CopyText whole value={address} />
        ) : (
          <Text size="sm" c="dimmed" span>
            no address
          </Text>
        )}
      </span>
      <Group gap={4} wrap="nowrap" justify="flex-end">
        {entry?.floatingIp && view.vmState === 'active' && <SshCopy view={view} address={entry.floatingIp} />}
        <Button
          component={Link}
          href={paths.instance(view.id, 'vnc')}
          size="compact-sm"
          variant="default"
          leftSection={<IconDeviceDesktop size={14} />}
          aria-label={`Console of ${view.name}`}
        >
          Console
        </Button>
      </Group>
    </li>
  )
}

/** The command is made when somebody asks for it, because the login stands in the image, which lists do not show. */
function SshCopy({ view, address }: { view: InstanceView; address: string }) {
  const trpc = useTRPC()
  const client = useQueryClient()
  const copy = async () => {
    try {
      const { loginUser } = await client.fetchQuery(trpc.compute.instances.get.queryOptions({ id: view.id }))
      const login = loginOf(loginUser, view.image.name, null)
      const command = sshCommand(login, address, view.keyName ? privateKeyFile(view.keyName) : null)
      await navigator.clipboard.writeText(command)
      notify.done(`Copied: ${command}`)
    } catch (error) {
      notify.failed(error)
    }
  }
  return (
    <Hint label="Copy the SSH command">
      <ActionIcon
        variant="default"
        size={26}
        aria-label={`Copy the SSH command of ${view.name}`}
        onClick={() => void copy()}
      >
        <IconTerminal2 size={14} />
      </ActionIcon>
    </Hint>
  )
}
