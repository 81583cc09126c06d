import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { CLASSES } from './classes.ts'
import { NOMINAL_VRAM_GIB } from './device.ts'
import { DEVICE_PROPERTIES, OFFER_PROPERTIES, type Property, RENTER_PROPERTIES, RUNNER_PROPERTIES } from './properties.ts'
import { UNITS } from './units.ts'

const page = (name: string): string => readFileSync(new URL(`../../spec/${name}.md`, import.meta.url), 'utf8')

/** Rows `| \`name\` | type |` of the tables of a section. */
function rowsOf(section: string): string[] {
  const text =
    page('constraints')
      .split('\n## ')
      .find((part) => part.startsWith(section)) ?? ''
  return [...text.matchAll(/^\| `([a-z.0-9]+)` \| (\w+) \|/gm)].map((m) => `${m[1]} ${m[2]}`)
}

const shown = (list: readonly Property[]): string[] => list.map((p) => `${p.name} ${p.type}`)

describe('spec', () => {
  test('constraints.md lists every property with its type, and no other', () => {
    const top = OFFER_PROPERTIES.filter((p) => !p.name.startsWith('gpu.') || p.name === 'gpu.count')
    expect(rowsOf('Properties of an offer')).toEqual([...shown(top), ...shown(DEVICE_PROPERTIES), ...shown(RUNNER_PROPERTIES)])
    expect(rowsOf('Properties of a renter')).toEqual(shown(RENTER_PROPERTIES))
  })

  test('constraints.md lists every unit in the order in which it is tried', () => {
    for (const [type, units] of Object.entries(UNITS)) {
      const row =
        page('constraints')
          .split('\n')
          .find((line) => line.startsWith(`| ${type} |`)) ?? ''
      const cell = row.split('|')[3] ?? ''
      expect(
        cell
          .split(',')
          .filter((part) => /[A-Za-z]/.test(part))
          .map((part) => part.trim().split(' ')[0]),
      ).toEqual((units ?? []).map(([name]) => name))
    }
  })

  test('offer.md lists the nominal sizes and the classes', () => {
    expect(page('offer')).toContain(NOMINAL_VRAM_GIB.slice(0, 12).join(' '))
    expect(page('offer').replaceAll('\n', ' ')).toContain(
      CLASSES.slice(2)
        .map((c) => c.name.slice(1))
        .join(' '),
    )
  })
})
