import type { RandomStream } from '../kernel/random.ts'

/** The letters and digits that generated names are made of: no vowels, no digits that look like letters. kubernetes: apimachinery pkg/util/rand. */
const alphabet = 'bcdfghjklmnpqrstvwxz2456789'

/** Five letters for the end of a generated name. kubernetes: apiserver pkg/storage/names. */
export function suffix(random: RandomStream): string {
  let text = ''
  for (let i = 0; i < 5; i++) text += alphabet[random.below(alphabet.length)] ?? ''
  return text
}

/** The `pod-template-hash` of a template: a 32-bit FNV-1a, its decimal digits spelled with the safe alphabet. Simplified: Kubernetes hashes Go's print of the template, we hash its JSON. */
export function templateHash(template: unknown): string {
  let hash = 0x811c9dc5
  for (const character of JSON.stringify(template) ?? '') {
    hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193) >>> 0
  }
  return [...String(hash)].map(digit => alphabet[digit.charCodeAt(0) % alphabet.length]).join('')
}
