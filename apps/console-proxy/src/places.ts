export const most = { instance: 16, user: 64 }

/** Counts the open consoles of each instance and of each user, so that nobody can take all places. */
export class Places {
  readonly #open = new Map<string, number>()

  /** Takes a place. Returns the function that gives it back, or the sentence that says why there is none (at most 120 bytes, for a close frame). */
  take(instance: string, user: string): (() => void) | string {
    const ofInstance = `instance ${instance}`
    const ofUser = `user ${user}`
    if (this.#count(ofInstance) >= most.instance)
      return `This instance has ${most.instance} open consoles, as many as it may. Close one of them, then reconnect.`
    if (this.#count(ofUser) >= most.user)
      return `You have ${most.user} open consoles, as many as you may. Close one of them, then reconnect.`
    this.#add(ofInstance, 1)
    this.#add(ofUser, 1)
    return () => {
      this.#add(ofInstance, -1)
      this.#add(ofUser, -1)
    }
  }

  #count(key: string): number {
    return this.#open.get(key) ?? 0
  }

  #add(key: string, change: 1 | -1): void {
    const count = this.#count(key) + change
    if (count > 0) this.#open.set(key, count)
    else this.#open.delete(key)
  }
}
