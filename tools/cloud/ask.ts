import readline from 'node:readline/promises'

/** Asks for a word on the terminal. `nobody`: the input has ended, so nobody can answer. */
export async function ask(question: string, word: string): Promise<'yes' | 'no' | 'nobody'> {
  const terminal = readline.createInterface({ input: process.stdin, output: process.stdout })
  const nobody = new Promise<null>((resolve) => terminal.once('close', () => resolve(null)))
  const answer = await Promise.race([terminal.question(question), nobody])
  terminal.close()
  if (answer === null) return 'nobody'
  return answer.trim() === word ? 'yes' : 'no'
}
