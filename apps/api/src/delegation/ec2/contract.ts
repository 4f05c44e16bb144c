import { z } from 'zod'
import { keystoneId } from '../../directory/contract.ts'

export const ec2CredentialInput = z.object({
  userId: keystoneId.optional(),
  projectId: keystoneId.optional(),
})
export const ec2CredentialRef = z.object({
  userId: keystoneId.optional(),
  access: z.string().regex(/^[0-9a-zA-Z_.-]{1,128}$/),
})
export type Ec2CredentialView = {
  access: string
  secret: string
  userId: string
  project: { id: string; name: string }
  trustId: string | null
  createdAt: string
}
