'use client'
import { PasswordInput, type PasswordInputProps, TextInput } from '@mantine/core'
import type { GetInputPropsReturnType } from '@mantine/form'
import type { PoolValues } from './values.ts'

type Inputs = (field: 'path' | 'monitors' | 'pool' | 'user' | 'key') => GetInputPropsReturnType

/** Where the volumes of a new pool are kept. */
export function PoolPlaceFields({ driver, inputs }: { driver: PoolValues['driver']; inputs: Inputs }) {
  return driver === 'files' ? (
    <TextInput
      label="Folder"
      description="It must be there, belong to root, and lie outside of Stratolith’s own folders."
      placeholder="/srv/volumes"
      required
      maxLength={1024}
      {...inputs('path')}
    />
  ) : (
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
}

/** How the cluster of a pool is reached, which may change. */
export function PoolAccessFields({ inputs }: { inputs: Inputs }) {
  return (
    <>
      <MonitorsField {...inputs('monitors')} />
      <UserField {...inputs('user')} />
      <KeyField description="Empty: the key stays." {...inputs('key')} />
    </>
  )
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
