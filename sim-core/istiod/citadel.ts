import { effectiveMeshConfig } from '../config/defaults/mesh-config.ts'
import type { Certificate } from '../decide/tls.ts'
import type { ProxyId } from '../kernel/id.ts'
import { ms, type Nanos, seconds, wallTime } from '../kernel/time.ts'
import { parseDuration } from '../model/duration.ts'
import { spiffeId } from '../model/names.ts'
import { type Component, defineComponent, send } from '../world/component.ts'
import { treeOf } from '../world/resources.ts'
import type { World } from '../world/world.ts'
import type { IstiodSettings } from './settings.ts'

interface CitadelState {
  /** Which root signs now; grows when it is rotated to another key. */
  root: number
  up: boolean
  /** Failed attempts of each proxy's agent in a row. */
  readonly attempts: Record<number, number>
}

/** Estimates: an RSA key takes 100 ms, checking the token and signing 20 ms, the way there and back 2 ms. */
const CSR = ms(122)
/** Certificates start two minutes in the past. istio: security/pkg/pki/util/generate_cert.go ClockSkewGracePeriod. */
const BACKDATE_SECONDS = 120
/** SECRET_TTL, 24 h. istio: pilot/cmd/pilot-agent/options/options.go. */
const TTL = '24h'
/** SECRET_GRACE_PERIOD_RATIO 0.5 and its jitter 0.01. istio: the same file. */
const GRACE = 0.5
const JITTER = 0.01
/** An agent that cannot get its first certificate tries again after 0.5 s, doubling to 60 s. istio: pkg/istio-agent. */
const RETRY_FIRST = 500
const RETRY_MOST = 60_000

/** The certificate authority, and what agents ask of it. */
export function citadel(settings: IstiodSettings): Component<CitadelState> {
  return defineComponent<CitadelState>({
    name: 'citadel',
    init: () => ({ root: 1, up: true, attempts: {} }),
    on: {
      /** An agent asks for its certificate: on its start, and when half of the old one's life is over. */
      csr: (_self, world, proxy) => {
        send(world, 'citadel.sign', CSR, proxy)
      },
      sign: (self, world, proxy) => {
        const row = world.state.proxies[proxy]
        if (!row || row.phase === 'stopped') return
        if (!self.up) return retry(self, world, proxy)
        self.attempts[proxy] = 0
        issue(self, world, settings, row.id)
      },
      down: self => {
        self.up = false
      },
      up: self => {
        self.up = true
      },
      /** A new root key: from now on leaves are signed by it. */
      rotateRoot: self => {
        self.root++
      },
    },
  })
}

/** Identity of a root certificate, as handshakes compare it. */
function rootName(trustDomain: string, root: number): string {
  return `${trustDomain}/root-${root}`
}

function retry(self: CitadelState, world: World, proxy: number): void {
  const attempt = self.attempts[proxy] ?? 0
  self.attempts[proxy] = attempt + 1
  send(world, 'citadel.sign', ms(Math.min(RETRY_FIRST * 2 ** attempt, RETRY_MOST)), proxy)
}

function issue(self: CitadelState, world: World, settings: IstiodSettings, proxy: ProxyId): void {
  const row = world.state.proxies[proxy]
  const pod = row && world.state.pods[row.pod]
  if (!row || !pod) return
  const trustDomain = effectiveMeshConfig(treeOf(world), settings.mesh).trustDomain ?? 'cluster.local'
  const root = rootName(trustDomain, self.root)
  const now = wallTime(world.state.startTime, world.kernel.now)
  const ttl = (parseDuration(TTL) ?? 0) as Nanos
  const certificate: Certificate = {
    uris: [spiffeId(trustDomain, pod.namespace, pod.serviceAccount)],
    dnsNames: [],
    subject: '',
    root,
    notBefore: now - BACKDATE_SECONDS,
    notAfter: now + Math.floor(ttl / 1e9),
  }
  row.certificates = Object.freeze({ ...row.certificates, default: Object.freeze(certificate) })
  row.roots = Object.freeze({
    ...row.roots,
    ROOTCA: Object.freeze([...new Set([...(row.roots['ROOTCA'] ?? []), root])]),
  })
  const random = world.stream(`citadel/${row.name}/rotation`)
  const left = Math.min(1, Math.max(0, GRACE + JITTER * (2 * random.next() - 1)))
  send(world, 'citadel.csr', seconds((ttl / 1e9) * (1 - left)), proxy)
}
