'use client'
import { PasswordInput, TextInput } from '@mantine/core'
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
      <TextInput
        label="Monitors"
        description="Their addresses, with commas between them."
        placeholder="10.0.0.1:6789, 10.0.0.2:6789"
        required
        maxLength={4096}
        {...inputs('monitors')}
      />
      <TextInput
        label="Pool in Ceph"
        description="A pool for volumes of this cloud alone."
        placeholder="volumes"
        required
        maxLength={128}
        {...inputs('pool')}
      />
      <TextInput
        label="User"
        description="Without “client.” before the name."
        placeholder="stratolith"
        required
        maxLength={128}
        autoComplete="off"
        {...inputs('user')}
      />
      <PasswordInput
        label="Key"
        description="Nobody can read it here again."
        required
        maxLength={300}
        autoComplete="new-password"
        {...inputs('key')}
      />
    </>
  )
}
