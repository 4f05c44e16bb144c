import { type ProjectThing, removeEach } from '../directory/service.ts'
import { deleteImage } from './service.ts'

export const imageContents: ProjectThing[] = [
  {
    kind: 'image',
    title: 'Images',
    order: 70,
    count: (ctx, projectId) => ctx.db.image.count({ where: { projectId, state: { not: 'deleted' } } }),
    async remove(ctx, projectId) {
      // Protection guards against mistakes; the person who deletes the project was shown that its images are deleted
      // too.
      await ctx.db.image.updateMany({ where: { projectId, protected: true }, data: { protected: false } })
      const rows = await ctx.db.image.findMany({
        where: { projectId, state: { not: 'deleted' } },
        select: { id: true },
        take: 100,
      })
      return removeEach(rows, (id) => deleteImage(ctx, { id }))
    },
  },
]
