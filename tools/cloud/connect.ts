import path from 'node:path'
import pg from 'pg'
import { applicationUrl } from '../postgres/application.ts'
import { startPostgres } from '../postgres.ts'

/** Connects to the database of a running cloud: that of DATABASE_URL, otherwise the embedded server in its data folder. */
export async function connectDatabase(data: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: process.env.DATABASE_URL ?? (await embedded(data)) })
  await client.connect()
  return client
}

async function embedded(data: string): Promise<string> {
  const server = await startPostgres(path.join(data, 'postgres'), { durable: true })
  return applicationUrl(server, 'stratolith')
}
