import { deflateSync, inflateSync } from 'fflate'

/** A moment that can be shared: what to run, what was changed, when to look, and at what. */
export interface Moment {
  readonly scenario: string
  readonly route: 'start' | 'explore' | 'request' | 'model'
  /** Version of this codec. */
  readonly version: number
  readonly engine?: string
  readonly seed?: number
  /** Virtual time in nanoseconds. */
  readonly at?: number
  /** Serial of the request. */
  readonly request?: number
  readonly hop?: number
  readonly level?: 1 | 2 | 3 | 4
  readonly node?: string
  /** Changes made by hand, as entries of the scenario's timeline. */
  readonly actions?: readonly unknown[]
  /** First digits of the state hash, to tell whether the same link still shows the same thing. */
  readonly hash?: string
  readonly note?: string
}

/** Links grow by this number when their meaning changes. */
export const MOMENT_VERSION = 1

const base64 = {
  encode: (bytes: Uint8Array) =>
    btoa(String.fromCharCode(...bytes))
      .replaceAll('+', '-')
      .replaceAll('/', '_')
      .replaceAll('=', ''),
  decode: (text: string) =>
    Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), letter => letter.charCodeAt(0)),
}

const routes: Readonly<Record<Moment['route'], string>> = {
  start: '',
  explore: 'r',
  request: 'q',
  model: 'about/model',
}

/** The hash part of a link, `#/r/<scenario>?…`. */
export function encodeMoment(moment: Moment): string {
  if (moment.route === 'start') return '#/'
  if (moment.route === 'model') return '#/about/model'
  const query = new URLSearchParams()
  query.set('v', String(moment.version))
  if (moment.engine) query.set('e', moment.engine)
  if (moment.seed !== undefined) query.set('s', String(moment.seed))
  if (moment.at !== undefined) query.set('t', moment.at.toString(36))
  if (moment.hop !== undefined) query.set('h', String(moment.hop))
  if (moment.level !== undefined) query.set('L', String(moment.level))
  if (moment.node) query.set('o', moment.node)
  if (moment.hash) query.set('k', moment.hash)
  if (moment.note) query.set('n', moment.note)
  if (moment.actions?.length)
    query.set(
      'd',
      base64.encode(deflateSync(new TextEncoder().encode(JSON.stringify(moment.actions)), { level: 9 })),
    )
  if (moment.route === 'explore' && moment.request !== undefined) query.set('q', String(moment.request))
  const page = moment.route === 'request' ? `/q/${moment.request ?? 0}` : ''
  return `#/${routes.explore}/${encodeURIComponent(moment.scenario)}${page}?${query}`
}

export type Decoded =
  | { readonly ok: true; readonly moment: Moment }
  | { readonly ok: false; readonly why: string }

const whole = (text: string | null, radix = 10): number | undefined => {
  if (text === null) return undefined
  const value = Number.parseInt(text, radix)
  return Number.isSafeInteger(value) && value >= 0 ? value : undefined
}

/** Reads a link; a damaged one says what is wrong with it instead of guessing. */
export function decodeMoment(hash: string): Decoded {
  const [path = '', search = ''] = hash.replace(/^#\/?/, '').split('?')
  if (path === '') return { ok: true, moment: { scenario: '', route: 'start', version: MOMENT_VERSION } }
  if (path === 'about/model')
    return { ok: true, moment: { scenario: '', route: 'model', version: MOMENT_VERSION } }
  const [room, scenario, page, serial] = path.split('/')
  if (room !== 'r' || !scenario)
    return {
      ok: false,
      why: `This link names no page that exists here (“${path}”). Start from the list of scenarios.`,
    }
  const query = new URLSearchParams(search)
  const version = whole(query.get('v')) ?? MOMENT_VERSION
  if (version > MOMENT_VERSION)
    return {
      ok: false,
      why: `This link was made by a newer Glassmesh (link version ${version}, known here: ${MOMENT_VERSION}). Update to open it.`,
    }
  const actions = decodeActions(query.get('d'))
  if (actions === 'damaged')
    return {
      ok: false,
      why: 'This link was cut off: its changes cannot be read. Ask for it again, or open the scenario without them.',
    }
  const at = whole(query.get('t'), 36)
  const request = page === 'q' ? whole(serial ?? null) : whole(query.get('q'))
  const level = whole(query.get('L'))
  const seed = whole(query.get('s'))
  const hop = whole(query.get('h'))
  const moment: Moment = {
    scenario: decodeURIComponent(scenario),
    route: page === 'q' ? 'request' : 'explore',
    version,
    ...(query.get('e') && { engine: query.get('e') ?? '' }),
    ...(seed !== undefined && { seed }),
    ...(at !== undefined && { at }),
    ...(request !== undefined && { request }),
    ...(hop !== undefined && { hop }),
    ...((level === 1 || level === 2 || level === 3 || level === 4) && { level }),
    ...(query.get('o') && { node: query.get('o') ?? '' }),
    ...(query.get('k') && { hash: query.get('k') ?? '' }),
    ...(query.get('n') && { note: query.get('n') ?? '' }),
    ...(actions && { actions }),
  }
  return { ok: true, moment }
}

function decodeActions(text: string | null): readonly unknown[] | 'damaged' | undefined {
  if (!text) return undefined
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(inflateSync(base64.decode(text))))
    return Array.isArray(value) ? value : 'damaged'
  } catch {
    return 'damaged'
  }
}
