import type { AddressFamily, NetfilterTest, PerFamily, Verdict } from '../decide/netfilter.ts'

/** A rule's matches and target as iptables spells them, after the chain's name. */
export function iptablesWords(
  rule: { readonly tests: readonly NetfilterTest[]; readonly verdict: Verdict },
  family: AddressFamily,
): readonly string[] {
  return [...rule.tests.flatMap(test => testWords(test, family)), ...verdictWords(rule.verdict, family)]
}

function testWords(test: NetfilterTest, family: AddressFamily): readonly string[] {
  const not = test.not ? ['!'] : []
  if ('in' in test) return [...not, '-i', test.in]
  if ('out' in test) return [...not, '-o', test.out]
  if ('protocol' in test) return [...not, '-p', test.protocol]
  if ('source' in test) return [...not, '-s', addressOf(test.source, family)]
  if ('destination' in test) return [...not, '-d', addressOf(test.destination, family)]
  if ('destinationPorts' in test) return portWords('dport', test.destinationPorts, not)
  if ('sourcePorts' in test) return portWords('sport', test.sourcePorts, not)
  if ('uid' in test) return ['-m', 'owner', ...not, '--uid-owner', test.uid]
  if ('gid' in test) return ['-m', 'owner', ...not, '--gid-owner', test.gid]
  if ('mark' in test) return ['-m', 'mark', ...not, '--mark', test.mark]
  if ('connectionMark' in test) return ['-m', 'connmark', ...not, '--mark', test.connectionMark]
  if ('state' in test) return ['-m', 'conntrack', ...not, '--ctstate', test.state]
  if ('probeSet' in test)
    return ['-m', 'set', '--match-set', `${test.probeSet}-${family === 'ipv4' ? 'v4' : 'v6'}`, 'dst']
  return test.module === 'socket-exists' ? ['-m', 'owner', '--socket-exists'] : ['-m', test.module]
}

function portWords(option: string, ports: readonly string[], not: readonly string[]): readonly string[] {
  return ports.length > 1
    ? ['-m', 'multiport', ...not, `--${option}s`, ports.join(',')]
    : [...not, `--${option}`, ports.join(',')]
}

/** The address of the family, or the one that stands for both. */
export function addressOf(range: PerFamily | string, family: AddressFamily): string {
  return typeof range === 'string' ? range : range[family]
}

function verdictWords(verdict: Verdict, family: AddressFamily): readonly string[] {
  switch (verdict.do) {
    case 'jump':
      return ['-j', verdict.chain]
    case 'return':
      return ['-j', 'RETURN']
    case 'accept':
      return ['-j', 'ACCEPT']
    case 'drop':
      return ['-j', 'DROP']
    case 'redirect':
      return ['-j', 'REDIRECT', verdict.isUdp ? '--to-port' : '--to-ports', verdict.port]
    case 'tproxy':
      return ['-j', 'TPROXY', '--tproxy-mark', `${verdict.mark}/0xffffffff`, '--on-port', verdict.port]
    case 'mark':
      return ['-j', 'MARK', '--set-mark', verdict.mark]
    case 'saveMark':
      return ['-j', 'CONNMARK', '--save-mark']
    case 'restoreMark': {
      const masks = verdict.mask ? ['--nfmask', verdict.mask, '--ctmask', verdict.mask] : []
      return ['-j', 'CONNMARK', '--restore-mark', ...masks]
    }
    case 'setConnectionMark':
      return ['-j', 'CONNMARK', '--set-xmark', verdict.mark]
    case 'zone':
      return ['-j', 'CT', '--zone', verdict.zone]
    case 'snat':
      return ['-j', 'SNAT', '--to-source', verdict.address[family]]
  }
}
