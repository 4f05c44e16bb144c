import { z } from 'zod'
import { generatedId, uuid } from '../fields.ts'
import { baseSpec } from '../storage/spec.ts'

/** A name that stands in a file of settings or is an argument of a program, so that it has no other characters. */
const cephName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/, 'not a name that Ceph would take')

/** A pool of a Ceph cluster. `monitors` are addresses or names, with or without a port; `user` has no "client." before it. */
export const rbdPool = z.object({
  driver: z.literal('rbd'),
  monitors: z
    .array(
      z
        .string()
        .regex(/^(\[[0-9a-f:]{2,39}\]|[A-Za-z0-9][A-Za-z0-9.-]{0,252})(:\d{1,5})?$/, 'not HOST or HOST:PORT'),
    )
    .min(1)
    .max(15),
  pool: cephName,
  user: cephName,
  /**
   * The secret of the user, as `ceph auth print-key` prints it. Calls say it, and the host keeps it; documents and specs of
   * instances do not.
   */
  key: z
    .string()
    .regex(/^[A-Za-z0-9+/]{16,256}={0,2}$/, 'not a key as Ceph prints it')
    .optional(),
})

/**
 * A target of iSCSI whose LUNs are there already (luns.ts). `portal` is HOST:PORT; `user` and `secret` are those of CHAP. Calls
 * say the secret, and the host keeps it; documents and specs of instances do not.
 */
export const iscsiPool = z.object({
  driver: z.literal('iscsi'),
  portal: z
    .string()
    .regex(/^(\[[0-9a-f:]{2,39}\]|[A-Za-z0-9][A-Za-z0-9.-]{0,252}):\d{1,5}$/, 'not HOST:PORT'),
  target: z
    .string()
    .regex(/^(iqn\.[a-z0-9][a-z0-9.:-]{0,218}|(eui|naa)\.[0-9A-Fa-f]{16,32})$/, 'not the name of a target'),
  user: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._:@-]{0,127}$/, 'not a user of CHAP that we would send'),
  secret: z
    .string()
    .regex(/^[\x21-\x7e]{1,128}$/, 'not a secret of CHAP that we would send')
    .optional(),
})

const absolutePath = z
  .string()
  .max(1024)
  .regex(/^(\/[A-Za-z0-9_@+.,-]+)+$/, 'not an absolute path of plain names')
  .refine((path) => !path.split('/').some((name) => name === '..' || name === '.'), 'a path with ".."')

/** A pool in the folder `id`: in `path`, or in the host's own folder without a path. `shared`: several hosts see the folder. */
export const filesPool = z.object({
  driver: z.literal('files'),
  id: generatedId,
  path: absolutePath.optional(),
  shared: z.literal(true).optional(),
})

/** The place of a volume, with everything that a host must know to reach the place. */
export const poolSpec = z.discriminatedUnion('driver', [
  filesPool,
  rbdPool.extend({ id: generatedId }),
  iscsiPool.extend({ id: generatedId }),
])

/** The bytes that a new volume begins with; null for zeros. Snapshots and volumes are those of the same pool. */
export const volumeSource = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('image'), base: baseSpec }),
  z.object({ kind: z.literal('snapshot'), id: uuid }),
  z.object({ kind: z.literal('volume'), id: uuid }),
])

/** The passphrase of an encrypted volume: 32 random bytes in base64. */
const volumeKeyText = z.string().regex(/^[A-Za-z0-9+/]{43}=$/, 'not 32 bytes in base64')

export const volumeSpec = z.object({
  id: uuid,
  pool: poolSpec,
  sizeGib: z.int().min(1).max(1_048_576),
  source: volumeSource.nullable(),
  /** The volume is encrypted by AES-XTS with this key; absent: it is plain. The key stands in no other spec and in no document. */
  encryption: z.object({ key: volumeKeyText, keyBits: z.union([z.literal(256), z.literal(512)]) }).optional(),
})

export const volumeKey = volumeSpec.pick({ id: true, pool: true })
export const volumeSize = volumeSpec.pick({ id: true, pool: true, sizeGib: true })

export const copySpec = z.object({ id: uuid, from: poolSpec, to: poolSpec, copyId: uuid })
export const disownSpec = z.object({ pool: poolSpec, host: z.string().min(1).max(255) })

/** The most volumes whose keys are named in one call. */
const mostKeys = 10_000
export const keysSpec = z.object({
  keys: z.array(z.object({ id: uuid, key: volumeKeyText })).max(mostKeys),
})
export const keptKeysSpec = z.object({ ids: z.array(uuid).max(mostKeys) })

export const snapshotSpec = z.object({ id: uuid, volumeId: uuid, pool: poolSpec })
/** Snapshots of several volumes of a pool, no two of one volume. */
export const snapshotsSpec = z.object({
  pool: poolSpec,
  snapshots: z
    .array(snapshotSpec.pick({ id: true, volumeId: true }))
    .min(1)
    .max(1_000)
    .refine(
      (all) => new Set(all.map(({ volumeId }) => volumeId)).size === all.length,
      'two snapshots of one volume',
    ),
})
export const snapshotKey = snapshotSpec.pick({ id: true, pool: true })
export const revertSpec = volumeKey.extend({ snapshotId: uuid })
export const reimageSpec = volumeKey.extend({ base: baseSpec })

export const exportFormat = z.enum(['raw', 'qcow2'])
export const exportSpec = volumeKey.extend({ exportId: uuid, format: exportFormat })
/** `id`: the volume of which the export was. Older callers do not say it, and then it is looked for. */
export const exportKey = volumeKey.partial({ id: true }).extend({ exportId: uuid })
