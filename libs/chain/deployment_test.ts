import { concatHex, getAddress, keccak256, sliceHex } from 'viem'
import { expect, it } from 'vitest'
import { COURT_CODE } from './abi/court.ts'
import { courtCalldata, deployCalldata, deployedAddress, DEPLOYER, SALT, systemAddresses, systemCode, testTokenCode } from './deployment.ts'

const stakeToken = '0x00000000000000000000000000000000000000aa'

it('deployedAddress() follows EIP-1014 from the proxy and the code', () => {
  const formula = sliceHex(keccak256(concatHex(['0xff', DEPLOYER, SALT, keccak256('0x6001')])), 12)
  expect(deployedAddress('0x6001')).toBe(getAddress(formula))
})

it('deployCalldata() puts the salt before the code', () => {
  expect(deployCalldata('0x1234')).toBe(`${SALT}1234`)
})

it('systemAddresses() gives every part an address of its own that changes with each parameter', () => {
  const base = systemAddresses({ stakeToken })
  expect(new Set(Object.values(base)).size).toBe(5)
  for (const other of [
    { stakeToken: '0x00000000000000000000000000000000000000ab' },
    { stakeToken, closeDelayS: 1 },
    { stakeToken, unbondDelayS: 1 },
    { stakeToken, court: { witnessStake: 1n } },
    { stakeToken, court: { claimS: 1 } },
    { stakeToken, court: { refuteS: 1 } },
    { stakeToken, court: { drawDelay: 2 } },
    { stakeToken, court: { commitReveal: true } },
  ] as const) {
    expect(systemAddresses(other).channels).not.toBe(base.channels)
  }
})

it('systemCode() and testTokenCode() end on the arguments', () => {
  expect(systemCode({ stakeToken, closeDelayS: 0x1234, unbondDelayS: 0x5678 })).toMatch(/aa0{60}1234.*5678.*[0-9a-f]{64}$/s)
  expect(systemCode({ stakeToken }).endsWith(keccak256(COURT_CODE).slice(2))).toBe(true)
  expect(courtCalldata()).toContain(COURT_CODE.slice(2))
  expect(testTokenCode({ name: 'T', symbol: 'T', decimals: 6, holder: stakeToken, supply: 5n }).slice(2)).toMatch(/^[0-9a-f]+$/)
})
