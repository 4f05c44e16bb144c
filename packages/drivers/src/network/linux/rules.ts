import pLimit from 'p-limit'
import { DriverError } from '../../errors.ts'
import type { Op } from '../../op.ts'
import { nft, nftEcho, run } from './exec.ts'
import {
  applyText,
  difference,
  emptyRuleset,
  type Fragment,
  forget,
  isSimple,
  ownTable,
  type Piece,
  parseRuleset,
  piecesOf,
  type Ruleset,
  removeText,
  replacePiece,
  takeEcho,
} from './fragment.ts'

/** A ruleset of more bytes of JSON (about twenty ports) is read faster by pieces than whole. */
export const defaultWholeBytes = 150_000
/** For a change of more bytes of text the kernel's echo takes longer than reading the pieces back. */
const echoBytes = 16_384
/** How many `nft` processes run at the same time. */
const atOnce = 4

/**
 * Our rules in one namespace. A small ruleset is read whole, by one process. Of a large ruleset only those
 * chains, maps and sets are read that a caller asks about, each once, so that a change costs the same on
 * a host with ten ports as on a host with a thousand.
 */
export class Rules {
  readonly #namespace: string | undefined
  readonly #table: string
  #found: Ruleset
  /** The pieces that have been read; null: all. */
  readonly #known: Set<string> | null
  /** The size of the JSON when the ruleset was read whole, otherwise 0. */
  readonly bytes: number
  /** The number of changes that were made through this object, which therefore knows their results. */
  changes = 0

  private constructor(
    namespace: string | undefined,
    table: string,
    found: Ruleset,
    known: Set<string> | null,
    bytes: number,
  ) {
    this.#namespace = namespace
    this.#table = table
    this.#found = found
    this.#known = known
    this.bytes = bytes
  }

  /** Reads all our rules; with `table` those of that inet table alone. */
  static async whole(op: Op, namespace: string | undefined, table?: string): Promise<Rules> {
    const { found, bytes } = await readAll(op, namespace, table)
    return new Rules(namespace, table ?? ownTable, found, null, bytes)
  }

  /** Reads nothing yet: pieces are read when a caller asks about them. */
  static byPieces(namespace: string): Rules {
    return new Rules(namespace, ownTable, emptyRuleset(), new Set(), 0)
  }

  /** An empty ruleset, for a namespace that does not exist. */
  static none(namespace: string): Rules {
    return new Rules(namespace, ownTable, emptyRuleset(), null, 0)
  }

  /** The names of the sets, as `<family>/<name>`, when the rules were read whole. */
  get sets(): string[] {
    return [...this.#found.sets.keys()]
  }

  /** Null when the kernel has the fragment exactly; otherwise a sentence about the first difference. */
  async difference(op: Op, fragment: Fragment): Promise<string | null> {
    await this.#read(op, fragment)
    return difference(fragment, this.#found)
  }

  /** Writes the fragment to the kernel and learns from the kernel what it has now; raises `failed` when the two differ. */
  async apply(op: Op, fragment: Fragment): Promise<void> {
    // Chains and sets are made anew in any case; only existing elements of maps must be known.
    await this.#read(op, { elements: fragment.elements })
    const text = applyText(fragment, this.#found)
    // The echo is not used for a large ruleset, because nft would read all of the ruleset first.
    if (this.#known === null && isSimple(fragment) && text.length < echoBytes) {
      const said = parseRuleset(await nftEcho(op, this.#namespace, text), fragment.table)
      takeEcho(this.#found, fragment, said)
      // Kernels before 2023 echo nothing about a set that existed already.
      if (difference(fragment, this.#found)) await this.#readAgain(op, fragment)
    } else {
      await nft(op, this.#namespace, text)
      await this.#readAgain(op, fragment)
    }
    this.changes += 1
    const wrong = difference(fragment, this.#found)
    if (wrong) throw new DriverError('failed', `The filter was written but reads back differently: ${wrong}.`)
  }

  /** Removes all parts of the fragment that exist. */
  async remove(op: Op, fragment: Fragment): Promise<void> {
    await this.#read(op, fragment)
    const text = removeText(fragment, this.#found)
    if (text === '') return
    await nft(op, this.#namespace, text)
    this.changes += 1
    forget(this.#found, fragment)
  }

  async #read(op: Op, fragment: Fragment): Promise<void> {
    const lacking = this.#known && piecesOf(fragment).filter(({ key }) => !this.#known?.has(key))
    if (lacking) await this.#load(op, lacking)
  }

  async #readAgain(op: Op, fragment: Fragment): Promise<void> {
    if (this.#known !== null || this.bytes > defaultWholeBytes) return this.#load(op, piecesOf(fragment))
    this.#found = (await readAll(op, this.#namespace, fragment.table)).found
  }

  async #load(op: Op, pieces: readonly Piece[]): Promise<void> {
    const maps = pieces.filter(({ kind }) => kind === 'map')
    const asked = pieces
      .filter(({ kind }) => kind !== 'map')
      .map((piece) => ({ about: [piece], what: [piece.kind, piece.family, this.#table, piece.name] }))
    // Reading all maps takes no longer than reading one.
    if (maps.length > 0) asked.unshift({ about: maps, what: ['maps'] })
    await pLimit(atOnce).map(asked, async ({ about, what }) => {
      const read = parsed(await list(op, this.#namespace, what), this.#table)
      for (const piece of about) {
        replacePiece(this.#found, piece, read)
        this.#known?.add(piece.key)
      }
    })
  }
}

async function readAll(op: Op, namespace: string | undefined, table?: string) {
  const text = await list(op, namespace, table === undefined ? ['ruleset'] : ['table', 'inet', table])
  return { found: parsed(text, table ?? ownTable), bytes: text?.length ?? 0 }
}

/** The JSON of `nft list` for the object; null when there is no such table, chain, map or set. */
async function list(op: Op, namespace: string | undefined, what: readonly string[]): Promise<string | null> {
  const { stdout, stderr, exitCode } = await run(op, ['nft', '-j', '-s', 'list', ...what], {
    namespace,
    accept: [0, 1],
  })
  if (exitCode === 0) return stdout
  if (/No such file or directory/.test(stderr)) return null
  throw new DriverError('failed', `'nft list ${what.join(' ')}' failed: ${stderr.slice(0, 600)}`)
}

const parsed = (text: string | null, table: string): Ruleset =>
  text === null || text === '' ? emptyRuleset() : parseRuleset(JSON.parse(text), table)
