/** Runs and prints the steps of a script, green or red with their times; `end` prints the failed steps again and the sum, and exits. */
export function steps(): {
  step(title: string, work: () => Promise<unknown>): Promise<boolean>
  end(): never
} {
  let passed = 0
  const failures: string[] = []
  return {
    async step(title, work) {
      const started = Date.now()
      const seconds = () => `${((Date.now() - started) / 1000).toFixed(1)} s`
      try {
        await work()
        passed++
        console.log(`  ✓ ${title} (${seconds()})`)
        return true
      } catch (error) {
        failures.push(`  ✗ ${title} (${seconds()}): ${error instanceof Error ? error.message : error}`)
        console.log(failures.at(-1))
        return false
      }
    },
    end() {
      // The failures are printed again, because they stand far above by now.
      if (failures.length > 0) console.log(`\n${failures.join('\n')}`)
      console.log(`\n${passed} passed, ${failures.length} failed`)
      process.exit(failures.length === 0 ? 0 : 1)
    },
  }
}
