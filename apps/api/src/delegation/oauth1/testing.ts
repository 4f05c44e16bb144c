import type { Config } from '../../kernel/config.ts'
import { percentEncoded } from '../ec2/signature.ts'
import { type OAuthRequest, sign } from './signature.ts'

/** The secrets that a consumer signs with. */
export type Keys = { consumer: { id: string; secret: string }; token?: { id: string; secret: string } }

/**
 * An Authorization header as oauthlib makes it, for a POST to a path below the public address, with a fresh nonce and
 * timestamp.
 */
export function signedHeader(
  { publicUrl }: Pick<Config, 'publicUrl'>,
  path: string,
  keys: Keys,
  more: Record<string, string> = {},
): string {
  const parameters = new Map(
    Object.entries({
      oauth_consumer_key: keys.consumer.id,
      ...(keys.token ? { oauth_token: keys.token.id } : {}),
      oauth_nonce: crypto.randomUUID(),
      oauth_timestamp: String(Math.floor(Date.now() / 1000)),
      oauth_signature_method: 'HMAC-SHA1',
      oauth_version: '1.0',
      ...more,
    }),
  )
  const request: OAuthRequest = { method: 'POST', url: publicUrl + path, parameters }
  const secrets = { consumer: keys.consumer.secret, token: keys.token?.secret ?? '' }
  parameters.set('oauth_signature', more.oauth_signature ?? sign(request, secrets))
  return `OAuth ${[...parameters].map(([name, value]) => `${name}="${percentEncoded(value)}"`).join(', ')}`
}
