import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readFiles } from '../../sim-core/cli/files.ts'

const base = mkdtempSync(join(tmpdir(), 'files-'))
mkdirSync(join(base, 'in/deeper'), { recursive: true })
for (const path of ['a.yaml', 'in/b.yml', 'in/c.json', 'in/notes.txt', 'in/deeper/d.yaml'])
  writeFileSync(join(base, path), path)
writeFileSync(join(base, 'binary.yaml'), 'a\0b')

const namesOf = (...paths: readonly string[]) => Object.keys(readFiles(paths, base).files)
const codesOf = (...paths: readonly string[]) => readFiles(paths, base).problems.map(problem => problem.code)

describe('readFiles', () => {
  it('reads a folder without its subfolders', () => {
    expect(namesOf('in')).toEqual(['in/b.yml', 'in/c.json'])
  })

  it('expands globs in order', () => {
    expect(namesOf('**/*.yaml')).toEqual(['a.yaml', 'in/deeper/d.yaml'])
  })

  it('reads a file once however often it is named', () => {
    expect(namesOf('a.yaml', '*a.yaml')).toEqual(['a.yaml'])
  })

  it('says what is not there', () => {
    expect(codesOf('x.yaml', '*.nope', 'in/deeper')).toEqual(['file.missing', 'file.missing'])
  })

  it('refuses binary files', () => {
    expect(codesOf('binary.yaml')).toEqual(['file.unreadable'])
  })
})
