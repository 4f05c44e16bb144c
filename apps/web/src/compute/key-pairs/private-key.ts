import type { KeyPairCreated } from '@stratolith/api/compute/contract'
import { fileNameOf, saveText } from '../../kit/save-file.ts'

export const privateKeyFile = (name: string): string => fileNameOf(name, '.pem')
export const downloadPrivateKey = (pair: KeyPairCreated): void =>
  saveText(privateKeyFile(pair.name), pair.privateKey ?? '')
