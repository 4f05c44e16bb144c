const meanings: Record<string, string> = {
  admin: 'Administrator of the cloud: the role admin on a project or on the system.',
  'project:own': 'The thing is of the project that the session is for.',
  'user:own': 'The thing is the user’s own.',
  'domain:own': 'The thing is of the domain that the session is for.',
  'public:yes': 'The thing is public.',
  anyone: 'Everybody who is signed in.',
  'scope:system': 'The session is for the whole cloud.',
  'scope:domain': 'The session is for a domain.',
  'scope:project': 'The session is for a project.',
}

/** The meaning of a word in a rule. */
export const wordMeaning = (word: string): string | null =>
  meanings[word] ?? (word.startsWith('role:') ? `Has the role ${word.slice(5)} there.` : null)
