import type { InstanceSpec } from '@stratolith/drivers/hypervisor/interface'
import type { RecordedPort } from '@stratolith/drivers/network/interface'

/** The guest that asks, found by the network and address that its packet came from. */
export type Subject = { spec: InstanceSpec; ports: readonly RecordedPort[] }

/** The (encrypted) password that a guest stores, which can be written only once. */
export type PasswordStore = {
  read(instanceId: string): Promise<string>
  /** Returns false when a password is stored already. */
  writeOnce(instanceId: string, password: string): Promise<boolean>
}

export type Question = { method: string; path: string; body: Buffer }
export type Answer = { status: number; type: string; body: Buffer }

export const plain = (body: string, status = 200): Answer => ({
  status,
  type: 'text/plain; charset=UTF-8',
  body: Buffer.from(body),
})
export const json = (body: unknown): Answer => ({
  status: 200,
  type: 'application/json',
  body: Buffer.from(JSON.stringify(body)),
})
export const raw = (body: Buffer): Answer => ({ status: 200, type: 'application/octet-stream', body })
export const nothing = plain('', 404)
