import path from 'node:path'
import { openImageStore } from '@stratolith/drivers/storage/image-store'
import type { ImageStore } from '@stratolith/drivers/storage/interface'
import type { Deps } from '../kernel/context.ts'

const open = new WeakMap<Deps, ImageStore>()

/** Returns the store of the cloud's image bytes ($STRATOLITH_DATA/images), which is opened once per process. */
export function imageStore(deps: Deps): ImageStore {
  let store = open.get(deps)
  if (!store) {
    store = openImageStore(path.join(deps.config.dataDir, 'images'))
    open.set(deps, store)
  }
  return store
}
