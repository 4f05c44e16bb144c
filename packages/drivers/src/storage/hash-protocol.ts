/** The messages between hash-threads.ts and its threads. A block is shared memory, so that no bytes are copied. `whole`: this part of the block is all. */
export type Algorithm = 'md5' | 'sha256' | 'sha512'
export type HashOrder =
  | { kind: 'update'; job: number; block: SharedArrayBuffer; length: number; ack: number }
  | { kind: 'whole'; block: SharedArrayBuffer; from: number; length: number; ack: number }
  | { kind: 'digest'; job: number; ack: number }
  | { kind: 'forget'; job: number }
export type HashAnswer = { ack: number; digests: Partial<Record<Algorithm, string>> }
