import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { curlSnippet, pythonSnippet, terraformSnippet } from './snippets.ts'

const access = {
  authUrl: 'http://cloud:8080/identity/v3',
  endpoints: [{ type: 'compute', url: 'http://cloud:8080/compute/v2.1' }],
}

test('a shell runs the lines with curl, and the body that they send is JSON', () => {
  const text = curlSnippet(access)
  // curl is replaced by a function that prints the body that it should send, and answers with the header of a token.
  const run = `curl() { for word; do case "$word" in {*) echo "$word" >&2;; esac; done; printf 'X-Subject-Token: t0ken\\r\\n'; }
ID=an-id SECRET=a-secret
${text.replace(/^curl -sS -H .*$/m, 'echo "token=$TOKEN"')}`
  const said = execFileSync('sh', ['-c', `{ ${run}\n} 2>&1`], { encoding: 'utf8' })
  expect(said).toContain('token=t0ken')
  const body = JSON.parse(said.slice(said.indexOf('{'), said.lastIndexOf('}') + 1))
  expect(body.auth.identity.application_credential).toEqual({ id: 'an-id', secret: 'a-secret' })
  expect(text).toContain('http://cloud:8080/compute/v2.1/servers')
})

test('programs name the cloud of clouds.yaml', () => {
  expect(pythonSnippet).toContain('openstack.connect(cloud="stratolith")')
  expect(terraformSnippet).toContain('cloud = "stratolith"')
})
