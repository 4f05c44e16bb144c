import { registerPolicy } from '../kernel/policy.ts'
import { addOperations, defineFacade, withoutSlash } from '../openstack/operation.ts'
import { registerService } from '../openstack/services.ts'
import { glanceAnswers, noImage } from './openstack/answers.ts'
import { dataOperations } from './openstack/data.ts'
import { discoveryOperations } from './openstack/discovery.ts'
import { imageOperations } from './openstack/images.ts'
import { infoOperations } from './openstack/info.ts'
import { memberOperations } from './openstack/members.ts'
import { schemaOperations } from './openstack/schemas.ts'
import { imagesPolicy } from './policy.ts'
import './project-deletion.ts'
import './reconcile.ts'
import './workflows.ts'

registerPolicy(imagesPolicy)
registerService({ type: 'image', name: 'glance', path: '/image' })
defineFacade({
  service: 'image',
  prefix: '/image',
  style: 'glance',
  ids: 'uuid',
  canonicalPath: withoutSlash,
  unknownId: noImage,
})
addOperations('image', [''], discoveryOperations)
addOperations(
  'image',
  ['/v2'],
  glanceAnswers([
    ...imageOperations,
    ...dataOperations,
    ...memberOperations,
    ...schemaOperations,
    ...infoOperations,
  ]),
)
