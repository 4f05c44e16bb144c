'use client'
import { Grid, Group, Paper, Stack, TextInput } from '@mantine/core'
import { type KeyboardEvent, useRef } from 'react'
import { backupName } from '../../volumes/backups/words.ts'
import { snapshotName } from '../../volumes/snapshots/words.ts'
import { volumeName } from '../../volumes/volume.descriptor.tsx'
import { AdvancedFields } from './AdvancedFields.tsx'
import { launchCli } from './cli.ts'
import { DisksField } from './DisksField.tsx'
import { imageDiskGib } from './defaults.ts'
import { imageIdOf, isRootOnVolume, plannedVolumesOf } from './disks.ts'
import { FlavorField } from './FlavorField.tsx'
import { KeyPairField } from './KeyPairField.tsx'
import { LaunchSummary } from './LaunchSummary.tsx'
import classes from './launch.module.css'
import { NetworkField } from './NetworkField.tsx'
import { SecurityField } from './SecurityField.tsx'
import { SourceField } from './SourceField.tsx'
import { type LaunchBegin, useLaunchForm, usePlan } from './use-launch-form.ts'
import { type LaunchOptions, useFlavorProblems, useVolumeOptions } from './use-launch-options.ts'
import { countProblem, hostnameText, type LaunchValues, launchNames, presetGroup } from './values.ts'

export function LaunchForm({ options, ...begin }: { options: LaunchOptions } & LaunchBegin) {
  const element = useRef<HTMLFormElement>(null)
  const { form, starter, choose, onSubmit, busy, failure } = useLaunchForm(options, begin)
  const { values } = form
  const { plan, fresh, error: planError } = usePlan(values, starter)
  const image = options.images.find(({ id }) => id === imageIdOf(values)) ?? null
  const flavor = options.flavors.find(({ id }) => id === values.flavorId) ?? null
  const ofVolumes = useVolumeOptions(values)
  const flavorProblems = useFlavorProblems(
    options.flavors,
    isRootOnVolume(values) ? null : image,
    launchNames(values.name, values.count).length,
    plannedVolumesOf(values),
  )
  /** Returns the error that the form found at submit, else the one that the plan knows already. */
  const errorOf = (field: keyof LaunchValues): string | undefined => {
    const own = form.errors[field] ?? form.errors[apiName(field, values)]
    if (own) return String(own)
    // A wrong count is checked here while it is typed, because the plan is always for a possible count.
    if (field === 'count') return countProblem(values.count) ?? undefined
    return plan?.problems.find((problem) => problem.field === apiName(field, values))?.message
  }
  const cli = cliOf(values, options, { image, flavor, starter })
  const onKeyDown = (event: KeyboardEvent) => {
    if (!busy && event.key === 'Enter' && (event.metaKey || event.ctrlKey)) element.current?.requestSubmit()
  }
  return (
    <form
      id="launch-form"
      ref={element}
      noValidate
      onSubmit={onSubmit}
      onKeyDown={onKeyDown}
      aria-label="Launch instance"
    >
      <Grid gap="md" align="flex-start">
        <Grid.Col span={{ base: 12, md: 8 }}>
          <Stack gap="md">
            <NameAndCount form={form} errorOf={errorOf} />
            <Choices
              form={form}
              options={options}
              errorOf={errorOf}
              flavorProblems={flavorProblems}
              {...ofVolumes}
              rootGib={Math.max(1, image ? imageDiskGib(image) : 1, flavor?.diskGib ?? 1)}
              closed={Boolean(plan?.closed)}
              onStarter={choose}
            />
            <AdvancedFields form={form} />
          </Stack>
        </Grid.Col>
        <Grid.Col span={{ base: 12, md: 4 }} className={classes.summary}>
          <LaunchSummary
            values={values}
            source={sourceText(values, { image, ...ofVolumes })}
            flavor={flavor}
            plan={plan}
            fresh={fresh}
            planError={planError}
            starter={starter}
            busy={busy}
            failure={failure}
            cli={cli}
          />
        </Grid.Col>
      </Grid>
    </form>
  )
}

/** Names in the summary from what the instance starts; null when nothing is chosen. */
function sourceText(
  { source, volumeId, snapshotId, backupId }: LaunchValues,
  {
    image,
    volumes,
    snapshots,
    backups,
  }: { image: { name: string } | null } & Pick<
    ReturnType<typeof useVolumeOptions>,
    'volumes' | 'snapshots' | 'backups'
  >,
): string | null {
  if (source === 'image') return image?.name ?? null
  if (source === 'volume') {
    const volume = volumes?.find(({ id }) => id === volumeId)
    return volume ? `Volume “${volumeName(volume)}”` : null
  }
  if (source === 'backup') {
    const backup = backups?.find(({ id }) => id === backupId)
    return backup ? `Backup “${backupName(backup)}”` : null
  }
  const snapshot = snapshots?.find(({ id }) => id === snapshotId)
  return snapshot ? `Snapshot “${snapshotName(snapshot)}”` : null
}

/** The API has one field for all volumes; the form shows what is wrong with them where they are chosen. */
function apiName(field: keyof LaunchValues, { source }: LaunchValues): string {
  if (field === 'volumeId' || field === 'snapshotId' || field === 'backupId') return 'volumes'
  return field === 'disks' && source === 'image' ? 'volumes' : field
}

type Form = ReturnType<typeof useLaunchForm>['form']
type ErrorOf = (field: keyof LaunchValues) => string | undefined

function NameAndCount({ form, errorOf }: { form: Form; errorOf: ErrorOf }) {
  return (
    <Paper component="section" withBorder p="md" radius="md" aria-label="Name and count">
      <Group align="flex-start" gap="sm">
        <TextInput
          flex="1 1 220px"
          label="Name"
          placeholder="web"
          maxLength={255}
          autoFocus
          description={namesText(form.values)}
          inputWrapperOrder={order}
          size="md"
          {...form.getInputProps('name')}
          error={errorOf('name')}
        />
        <TextInput
          type="number"
          w={110}
          label="Count"
          size="md"
          min={1}
          max={50}
          {...form.getInputProps('count')}
          error={errorOf('count')}
        />
      </Group>
    </Paper>
  )
}

function Choices({
  form,
  options,
  errorOf,
  flavorProblems,
  types,
  rootGib,
  closed,
  onStarter,
  ...sources
}: ReturnType<typeof useVolumeOptions> & {
  form: Form
  options: LaunchOptions
  errorOf: ErrorOf
  flavorProblems: ReturnType<typeof useFlavorProblems>
  rootGib: number
  closed: boolean
  onStarter: ReturnType<typeof useLaunchForm>['choose']
}) {
  const { values } = form
  return (
    <>
      <SourceField form={form} images={options.images} errorOf={errorOf} {...sources} />
      <FlavorField
        flavors={options.flavors}
        value={values.flavorId}
        onChange={(id) => form.setFieldValue('flavorId', id)}
        problems={flavorProblems}
        closed={closed}
        error={errorOf('flavorId')}
      />
      <DisksField
        form={form}
        types={types}
        rootGib={rootGib}
        error={errorOf('disks')}
        rootError={errorOf('rootGib')}
      />
      <KeyPairField
        keyPairs={options.keyPairs}
        value={values.keyName}
        onChange={(name) => form.setFieldValue('keyName', name)}
        error={errorOf('keyName')}
      />
      <NetworkField
        networks={options.networks}
        hasExternal={options.externalNetwork !== null}
        value={values.networkIds}
        onChange={(ids) => form.setFieldValue('networkIds', ids)}
        publicIp={values.publicIp}
        onPublicIp={(on) => form.setFieldValue('publicIp', on)}
        onStarter={onStarter}
        error={errorOf('networkIds')}
        publicIpError={errorOf('publicIp')}
      />
      <SecurityField
        presets={values.openPresets}
        onPresets={(presets) => form.setFieldValue('openPresets', presets)}
        groups={options.securityGroups}
        groupIds={values.securityGroupIds}
        onGroups={(ids) => form.setFieldValue('securityGroupIds', ids)}
        error={errorOf('securityGroupIds')}
      />
    </>
  )
}

/** Returns the launch as a command, with names instead of IDs. */
function cliOf(
  values: LaunchValues,
  options: LaunchOptions,
  {
    image,
    flavor,
    starter,
  }: { image: { name: string } | null; flavor: { name: string } | null; starter: boolean },
) {
  return launchCli(values, {
    image: image?.name ?? null,
    flavor: flavor?.name ?? null,
    networks: starter
      ? ['starter-net']
      : values.networkIds.flatMap((id) => options.networks.find((network) => network.id === id)?.name ?? []),
    securityGroups: values.securityGroupIds.flatMap(
      (id) => options.securityGroups.find((group) => group.id === id)?.name ?? [],
    ),
    externalNetwork: options.externalNetwork?.name ?? null,
    presetGroups: options.securityGroups.filter(({ name }) => name === presetGroup(values.openPresets)),
    starter,
  })
}

/** The help text stands below the field, so that the fields of one line have the same height. */
const order: ('label' | 'input' | 'description' | 'error')[] = ['label', 'input', 'description', 'error']

function namesText(values: LaunchValues): string {
  const names = launchNames(values.name, values.count)
  if (names.length === 1) return hostnameText(values.name)
  return names.length === 2
    ? names.join(' and ')
    : `${names[0]} … ${names.at(-1)}; {n} says where the number goes`
}
