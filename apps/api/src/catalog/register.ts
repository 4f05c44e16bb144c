import { registerPolicy } from '../kernel/policy.ts'
import { mountFacade } from '../openstack/mount.ts'
import { catalogRoutes } from './openstack.ts'
import { catalogPolicy } from './policy.ts'

registerPolicy(catalogPolicy)
mountFacade({ prefix: '/identity', style: 'keystone', routes: catalogRoutes })
