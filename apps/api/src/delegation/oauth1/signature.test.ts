import { describe, expect, test } from 'vitest'
import { baseString, isSignedBy, type OAuthRequest, readAuthorization, sign } from './signature.ts'

/** The examples of RFC 5849. */

const request = (method: string, url: string, header: string): OAuthRequest => ({
  method,
  url,
  parameters: readAuthorization(header) ?? new Map<string, string>(),
})
const consumer = 'kd94hf93k423kf44'

describe('signatures of RFC 5849, section 1.2', () => {
  test.each([
    [
      'temporary credentials',
      request(
        'POST',
        'https://photos.example.net/initiate',
        `OAuth realm="Photos",
        oauth_consumer_key="dpf43f3p2l4k3l03",
        oauth_signature_method="HMAC-SHA1",
        oauth_timestamp="137131200",
        oauth_nonce="wIjqoS",
        oauth_callback="http%3A%2F%2Fprinter.example.com%2Fready",
        oauth_signature="74KNZJeDHnMBp0EMJ9ZHt%2FXKycU%3D"`.replaceAll('\n', ' '),
      ),
      '',
    ],
    [
      'token credentials',
      request(
        'POST',
        'https://photos.example.net/token',
        `OAuth realm="Photos",
        oauth_consumer_key="dpf43f3p2l4k3l03",
        oauth_token="hh5s93j4hdidpola",
        oauth_signature_method="HMAC-SHA1",
        oauth_timestamp="137131201",
        oauth_nonce="walatlh",
        oauth_verifier="hfdp7dh39dks9884",
        oauth_signature="gKgrFCywp7rO0OXSjdot%2FIHF7IU%3D"`.replaceAll('\n', ' '),
      ),
      'hdhd0244k9j7ao03',
    ],
    [
      'a resource',
      request(
        'GET',
        'http://photos.example.net/photos?file=vacation.jpg&size=original',
        `OAuth realm="Photos",
        oauth_consumer_key="dpf43f3p2l4k3l03",
        oauth_token="nnch734d00sl2jdk",
        oauth_signature_method="HMAC-SHA1",
        oauth_timestamp="137131202",
        oauth_nonce="chapoH",
        oauth_signature="MdpQcU8iPSUjWoN%2FUDMsK2sui9I%3D"`.replaceAll('\n', ' '),
      ),
      'pfkkdhi9sl3r4s00',
    ],
  ])('the example of %s', (_, signed, token) => {
    const given = signed.parameters.get('oauth_signature')
    expect(sign(signed, { consumer, token })).toBe(given)
    const then = 137131200_000
    expect(isSignedBy(signed, { consumer, token }, then)).toBe(true)
    expect(isSignedBy(signed, { consumer, token: `${token}x` }, then)).toBe(false)
    expect(isSignedBy(signed, { consumer: 'x', token }, then)).toBe(false)
    expect(isSignedBy({ ...signed, method: 'PUT' }, { consumer, token }, then)).toBe(false)
    expect(isSignedBy({ ...signed, url: `${signed.url}/more` }, { consumer, token }, then)).toBe(false)
    // The signature holds neither 16 minutes later nor 16 minutes earlier.
    expect(isSignedBy(signed, { consumer, token }, then + 16 * 60_000)).toBe(false)
    expect(isSignedBy(signed, { consumer, token }, then - 16 * 60_000)).toBe(false)
    for (const [name, value] of [
      ['oauth_signature_method', 'PLAINTEXT'],
      ['oauth_version', '2.0'],
      ['oauth_timestamp', 'yesterday'],
      ['oauth_nonce', ''],
    ] as const) {
      const parameters = new Map(signed.parameters).set(name, value)
      const again = { ...signed, parameters }
      parameters.set('oauth_signature', sign(again, { consumer, token }))
      expect(isSignedBy(again, { consumer, token }, then), name).toBe(false)
    }
  })
})

test('the base string is sorted by name and value, encoded twice, and without the default port', () => {
  const signed = request(
    'get',
    'HTTP://EXAMPLE.com:80/r%20v/X?b5=%3D%253D&a3=a&c%40=&a2=r%20b&a3=2+q&c2',
    `OAuth realm="Example", oauth_consumer_key="9djdj82h48djs9d2", oauth_token="kkk9d7dh3k39sjv7",
     oauth_signature_method="HMAC-SHA1", oauth_timestamp="137131201", oauth_nonce="7d8f3e4a",
     oauth_signature="djosJKDKJSD8743243%2Fjdk33klY%3D"`.replaceAll('\n', ' '),
  )
  expect(baseString(signed)).toBe(
    'GET&http%3A%2F%2Fexample.com%2Fr%2520v%2FX&a2%3Dr%2520b%26a3%3D2%2520q%26a3%3Da%26b5%3D%253D%25253D%26c%2540%3D%26c2%3D%26oauth_consumer_key%3D9djdj82h48djs9d2%26oauth_nonce%3D7d8f3e4a%26oauth_signature_method%3DHMAC-SHA1%26oauth_timestamp%3D137131201%26oauth_token%3Dkkk9d7dh3k39sjv7',
  )
})

test.each(['OAuth', 'OAuth x', 'OAuth a="1", a="2"', 'OAuth a="%ff"', 'OAuth a="%00"', 'OAuth a=1'])(
  'the header cannot be read: %s',
  (header) => {
    if (header === 'OAuth') expect(readAuthorization(header)).toBeNull()
    else expect(() => readAuthorization(header)).toThrow('cannot be read')
  },
)
test.each([undefined, '', 'Bearer x', 'OAuthx a="1"'])('the header is not of OAuth: %s', (header) => {
  expect(readAuthorization(header)).toBeNull()
})
