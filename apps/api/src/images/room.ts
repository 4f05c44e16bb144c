import { onProjectDeleting } from '../directory/service.ts'
import { defineRoom } from '../kernel/manifest.ts'
import { withoutSlash } from '../openstack/operation.ts'
import { glanceAnswers, noImage } from './openstack/answers.ts'
import { dataOperations } from './openstack/data.ts'
import { discoveryOperations } from './openstack/discovery.ts'
import { imageOperations } from './openstack/images.ts'
import { infoOperations } from './openstack/info.ts'
import { memberOperations } from './openstack/members.ts'
import { schemaOperations } from './openstack/schemas.ts'
import { imagesPolicy } from './policy.ts'
import { imageContents } from './project-deletion.ts'
import { notDeleted, paidGibSql } from './quota.ts'
import { imageBytes } from './reconcile.ts'
import { imagesRouter } from './router.ts'
import { imageDeletion, imageImport } from './workflows.ts'

declare module '../kernel/contract.ts' {
  interface QuotaResources {
    images: true
    imageGib: true
  }
}

export const imagesRoom = defineRoom({
  name: 'images',
  uses: ['directory', 'quota', 'hosts'],
  // A blob is the bytes of an image, by their SHA-256.
  kinds: { image: {}, blob: { buried: true } },
  quota: {
    images: { lock: 5, words: 'images', limit: 50, rows: { table: 'Image', only: notDeleted } },
    imageGib: {
      lock: 6,
      words: 'image storage',
      unit: 'GiB',
      limit: 200,
      rows: { table: 'Image', amount: paidGibSql, only: notDeleted },
    },
  },
  policy: imagesPolicy,
  router: imagesRouter,
  openstack: [
    {
      service: 'image',
      facade: {
        prefix: '/image',
        style: 'glance',
        ids: 'uuid',
        canonicalPath: withoutSlash,
        unknownId: noImage,
      },
      catalog: { name: 'glance', path: '/image' },
      operations: [
        { below: [''], operations: discoveryOperations },
        {
          below: ['/v2'],
          operations: glanceAnswers([
            ...imageOperations,
            ...dataOperations,
            ...memberOperations,
            ...schemaOperations,
            ...infoOperations,
          ]),
        },
      ],
    },
  ],
  workflows: [imageImport, imageDeletion],
  reconcilers: [imageBytes],
  joins() {
    for (const thing of imageContents) onProjectDeleting(thing)
  },
})
