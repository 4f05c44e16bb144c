import type { Ctx } from '../kernel/context.ts'
import { invalidInput, notFound } from '../kernel/errors.ts'
import { type ImageView, imageBounds } from './contract.ts'
import { changeImage } from './service.ts'

/** Sets one custom property of an image. Throws forbidden for names that only the cloud may set. */
export const setImageProperty = (
  ctx: Ctx,
  { id, key, value }: { id: string; key: string; value: string },
): Promise<ImageView> =>
  changeImage(ctx, id, ({ properties }) => ({ properties: bounded({ ...properties, [key]: value }) }))

/** Throws not_found for a property that the image does not have. */
export const removeImageProperty = (ctx: Ctx, { id, key }: { id: string; key: string }): Promise<ImageView> =>
  changeImage(ctx, id, ({ properties }) => {
    if (!Object.hasOwn(properties, key)) throw notFound('property', key)
    const { [key]: _gone, ...rest } = properties
    return { properties: rest }
  })

function bounded(properties: Record<string, string>): Record<string, string> {
  if (Object.keys(properties).length > imageBounds.properties)
    throw invalidInput(`An image has at most ${imageBounds.properties} properties.`, 'key')
  if (Buffer.byteLength(JSON.stringify(properties)) > imageBounds.propertiesBytes)
    throw invalidInput(
      `The properties of an image have at most ${imageBounds.propertiesBytes} bytes together.`,
      'value',
    )
  return properties
}
