import { shellWord } from '../kit/shell.ts'

/**
 * Programs that list the instances of a place. They read the addresses from clouds.yaml, which contains no password.
 */
export const pythonSnippet = `# pip install openstacksdk; clouds.yaml lies beside this program, OS_PASSWORD has the password
import openstack

cloud = openstack.connect(cloud="stratolith")
for server in cloud.compute.servers():
    print(server.name, server.status)
`

export const terraformSnippet = `# clouds.yaml lies beside this file, OS_PASSWORD has the password
terraform {
  required_providers {
    openstack = { source = "terraform-provider-openstack/openstack" }
  }
}

provider "openstack" {
  cloud = "stratolith"
}

resource "openstack_compute_instance_v2" "web" {
  name        = "web"
  image_name  = "IMAGE"
  flavor_name = "FLAVOR"
  network { name = "NETWORK" }
}
`

/** The lines use an application credential, because a script has no terminal to ask for a password. */
export function curlSnippet({
  authUrl,
  endpoints,
}: {
  authUrl: string
  endpoints: readonly { type: string; url: string }[]
}): string {
  const compute = endpoints.find(({ type }) => type === 'compute')?.url ?? 'COMPUTE_ENDPOINT'
  return `# ID and SECRET are those of an application credential
TOKEN=$(curl -sS -D - -o /dev/null -H 'Content-Type: application/json' \\
  -d '{"auth": {"identity": {"methods": ["application_credential"],
       "application_credential": {"id": "'"$ID"'", "secret": "'"$SECRET"'"}}}}' \\
  ${shellWord(`${authUrl}/auth/tokens`)} | tr -d '\\r' | sed -n 's/^x-subject-token: //Ip')
curl -sS -H "X-Auth-Token: $TOKEN" ${shellWord(`${compute}/servers`)}
`
}
