/** A script's steps, each green or red with its time; `end` prints the sum and leaves. */
export function steps(): {
  step(title: string, work: () => Promise<unknown>): Promise<boolean>
  end(): never
} {
  let passed = 0
  let failed = 0
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
        failed++
        console.log(`  ✗ ${title} (${seconds()}): ${error instanceof Error ? error.message : error}`)
        return false
      }
    },
    end() {
      console.log(`\n${passed} passed, ${failed} failed`)
      process.exit(failed === 0 ? 0 : 1)
    },
  }
}
