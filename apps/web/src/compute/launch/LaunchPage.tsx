'use client'
import { Skeleton, Stack } from '@mantine/core'
import { IconLock } from '@tabler/icons-react'
import { useSearchParams } from 'next/navigation'
import { LoadError } from '../../kit/Loaded.tsx'
import { useMay } from '../../kit/rights.ts'
import { EmptyState } from '../../ui/EmptyState.tsx'
import { PageHeader } from '../../ui/PageHeader.tsx'
import { defaultFlavor, defaultImage, defaultNetwork } from './defaults.ts'
import { LaunchForm } from './LaunchForm.tsx'
import { type LaunchOptions, useLaunchOptions } from './use-launch-options.ts'
import { emptyLaunch, type LaunchValues } from './values.ts'

/** `?name=`, `?image=`, `?flavor=`, `?network=` and `?key=` choose beforehand. */
export function LaunchPage() {
  const { options, error, retry } = useLaunchOptions()
  const params = useSearchParams()
  const allowed = useMay()()
  return (
    <>
      <PageHeader
        title="Launch an instance"
        description="Type a name and press Enter; everything else has a default."
      />
      {allowed !== true && (
        <EmptyState icon={<IconLock size={28} />} title="You may look, but not launch" text={allowed} />
      )}
      {error !== null && <LoadError error={error} retry={retry} />}
      {allowed !== true ? null : options ? (
        <LaunchForm options={options} initialValues={initial(options, params)} />
      ) : (
        !error && <Waiting />
      )}
    </>
  )
}

function initial(options: LaunchOptions, params: { get(key: string): string | null }): LaunchValues {
  const image = defaultImage(options.images, params.get('image'))
  const wished = options.flavors.find(({ id }) => id === params.get('flavor'))
  const network =
    options.networks.find(({ id }) => id === params.get('network')) ?? defaultNetwork(options.networks)
  const key = options.keyPairs.find(({ name }) => name === params.get('key')) ?? options.keyPairs[0]
  const routed = network ? Boolean(network.router?.externalAddress) : options.networks.length === 0
  return {
    ...emptyLaunch,
    name: params.get('name') ?? '',
    imageId: image?.id ?? null,
    flavorId: (wished ?? defaultFlavor(options.flavors, image))?.id ?? null,
    networkIds: network ? [network.id] : [],
    keyName: key?.name ?? null,
    publicIp: options.externalNetwork !== null && routed,
  }
}

function Waiting() {
  return (
    <Stack gap="md" role="status" aria-busy aria-label="Loading">
      <Skeleton height={110} radius="md" />
      <Skeleton height={170} radius="md" />
      <Skeleton height={280} radius="md" />
    </Stack>
  )
}
