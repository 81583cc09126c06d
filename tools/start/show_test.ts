import { describe, expect, it } from 'vitest'
import { contractTable, shortPeer } from './show.ts'

const contract = {
  id: 'ab',
  provider: '12D3KooWabcdefa91',
  path: 'direct',
  isolation: 'bubblewrap',
  device: 'cpu 2× EPYC',
  engine: 'cpu',
  termsHash: '00',
  pricePerHour: '0.0040',
  firstOutputMs: 38,
  durationMs: 21400,
  cost: '0.000024',
  unit: 'credits',
  tiles: 20,
  transcript: 'out/a.haggle',
  verified: true,
  outcome: 'settled',
  signedBy: 'both',
  lost: null,
}

describe('contractTable()', () => {
  it('shows a row a contract, with the path through a relay and the loss of a provider in words', () => {
    const [head, direct, relayed, lost] = contractTable([
      contract,
      { ...contract, path: 'relay 12D3KooWrelayQm7' },
      { ...contract, lost: 'the connection closed', firstOutputMs: null },
    ])
    expect(head).toMatch(/^provider +device +isolation +path +price\/h +first output +time +tiles +cost +receipt$/)
    expect(direct).toMatch(/^12D3…a91 +cpu 2× EPYC \(deno\) +bubblewrap +direct +0\.0040 +38 ms +21\.4 s +20 +0\.000024 +out\/a\.haggle$/)
    expect(relayed).toContain('via relay 12D3…Qm7')
    expect(lost).toMatch(/–.*lost: the connection closed$/)
  })

  it('shows what the chain says was paid, with gas and anchor', () => {
    const money = new Map([['ab', { settled: '0.0024', gas: 251_234, anchor: `0x${'cd'.repeat(32)}` }]])
    const [head, paid, none] = contractTable([contract, { ...contract, id: 'cd' }], money)
    expect(head).toMatch(/ tiles +paid +gas +anchor +receipt$/)
    expect(paid).toMatch(/ 20 +0\.0024 +251,234 +0xcdcdcdcd +out\/a\.haggle$/)
    expect(none).toMatch(/ 20 +– +– +– +out\/a\.haggle$/)
  })
})

describe('shortPeer()', () => {
  it('keeps the ends', () => {
    expect(shortPeer('12D3KooWabcdefa91')).toBe('12D3…a91')
  })
})
