'use client'
import { PasswordInput, type PasswordInputProps, TextInput } from '@mantine/core'
import type { GetInputPropsReturnType } from '@mantine/form'
import type { PoolValues } from './values.ts'

type Driver = PoolValues['driver']
type CephField = 'monitors' | 'pool' | 'user' | 'key'
type IscsiField = 'portal' | 'target' | 'chapUser' | 'secret'
type Inputs<Field extends string> = (field: Field) => GetInputPropsReturnType

/** Where the volumes of a new pool are kept. */
export function PoolPlaceFields({
  driver,
  inputs,
}: {
  driver: Driver
  inputs: Inputs<'path' | CephField | IscsiField>
}) {
  if (driver === 'rbd') return <CephFields inputs={inputs} />
  if (driver === 'iscsi') return <IscsiFields inputs={inputs} />
  return (
    <TextInput
      label="Folder"
      description="It must be there, belong to root, and lie outside of Stratolith’s own folders."
      placeholder="/srv/volumes"
      required
      maxLength={1024}
      {...inputs('path')}
    />
  )
}

const CephFields = ({ inputs }: { inputs: Inputs<CephField> }) => (
  <>
    <MonitorsField {...inputs('monitors')} />
    <TextInput
      label="Pool in Ceph"
      description="A pool for volumes of this cloud alone."
      placeholder="volumes"
      required
      maxLength={128}
      {...inputs('pool')}
    />
    <UserField {...inputs('user')} />
    <KeyField description="Nobody can read it here again." required {...inputs('key')} />
  </>
)

const IscsiFields = ({ inputs }: { inputs: Inputs<IscsiField> }) => (
  <>
    <PortalField {...inputs('portal')} />
    <TextInput
      label="Target"
      description="Its LUNs must be there already. Each volume takes a whole one."
      placeholder="iqn.2026-01.com.example:volumes"
      required
      maxLength={223}
      {...inputs('target')}
    />
    <ChapUserField {...inputs('chapUser')} />
    <SecretField description="Nobody can read it here again." required {...inputs('secret')} />
  </>
)

/** How the cluster or the target of a pool is reached, which may change. */
export function PoolAccessFields({
  driver,
  inputs,
}: {
  driver: Driver
  inputs: Inputs<'monitors' | 'user' | 'key' | 'portal' | 'chapUser' | 'secret'>
}) {
  if (driver === 'rbd')
    return (
      <>
        <MonitorsField {...inputs('monitors')} />
        <UserField {...inputs('user')} />
        <KeyField description="Empty: the key stays." {...inputs('key')} />
      </>
    )
  if (driver === 'iscsi')
    return (
      <>
        <PortalField {...inputs('portal')} />
        <ChapUserField {...inputs('chapUser')} />
        <SecretField description="Empty: the secret stays." {...inputs('secret')} />
      </>
    )
  return null
}

const MonitorsField = (field: GetInputPropsReturnType) => (
  <TextInput
    label="Monitors"
    description="Their addresses, with commas between them."
    placeholder="10.0.0.1:6789, 10.0.0.2:6789"
    required
    maxLength={4096}
    {...field}
  />
)
const UserField = (field: GetInputPropsReturnType) => (
  <TextInput
    label="User"
    description="Without “client.” before the name."
    placeholder="stratolith"
    required
    maxLength={128}
    autoComplete="off"
    {...field}
  />
)
const KeyField = (field: PasswordInputProps) => (
  <PasswordInput label="Key" maxLength={300} autoComplete="new-password" {...field} />
)
const PortalField = (field: GetInputPropsReturnType) => (
  <TextInput
    label="Portal"
    description="The address of the storage; the port is 3260 unless another one follows."
    placeholder="10.0.0.1:3260"
    required
    maxLength={262}
    {...field}
  />
)
const ChapUserField = (field: GetInputPropsReturnType) => (
  <TextInput
    label="CHAP user"
    placeholder="stratolith"
    required
    maxLength={128}
    autoComplete="off"
    {...field}
  />
)
const SecretField = (field: PasswordInputProps) => (
  <PasswordInput label="CHAP secret" maxLength={128} autoComplete="new-password" {...field} />
)
