import { authorize } from '../../kernel/policy.ts'
import type { ApiOperation } from '../../openstack/operation.ts'
import { usageOf } from '../service.ts'
import { storeId } from './views.ts'

/** Methods of `POST …/import`. None of them fetches from an address: the API opens no outbound sockets (A04). */
export const importMethods = ['glance-direct']

export const infoOperations: ApiOperation[] = [
  {
    name: 'info.import',
    method: 'GET',
    path: '/info/import',
    summary: 'Import methods that there are',
    status: 200,
    access: 'list',
    handle: ({ ctx }) => {
      authorize(ctx, 'image:list')
      return {
        'import-methods': {
          description: 'Import methods available.',
          type: 'array',
          value: importMethods,
        },
      }
    },
  },
  {
    name: 'info.stores',
    method: 'GET',
    path: '/info/stores',
    summary: 'Stores that there are',
    status: 200,
    access: 'list',
    handle: ({ ctx }) => {
      authorize(ctx, 'image:list')
      return { stores: [{ id: storeId, default: 'true' }] }
    },
  },
  {
    name: 'info.usage',
    method: 'GET',
    path: '/info/usage',
    summary: 'Quota of images and what of it is used',
    status: 200,
    access: 'list',
    except: { systemReader: 'forbidden' }, // a system reader has no project, so no quota
    handle: async ({ ctx }) => {
      const { images, imageGib, stagedGib, uploads } = await usageOf(ctx)
      const mib = (gib: number) => (gib < 0 ? gib : gib * 1024)
      return {
        usage: {
          image_size_total: { limit: mib(imageGib.limit), usage: mib(imageGib.used) },
          image_stage_total: { limit: mib(imageGib.limit), usage: mib(stagedGib) },
          image_count_total: { limit: images.limit, usage: images.used },
          image_count_uploading: { limit: uploads.limit, usage: uploads.used },
        },
      }
    },
  },
]
