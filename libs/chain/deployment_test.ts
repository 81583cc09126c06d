import { concatHex, getAddress, keccak256, sliceHex } from 'viem'
import { expect, it } from 'vitest'
import { deployCalldata, deployedAddress, DEPLOYER, SALT } from './deployment.ts'

it('deployedAddress() follows EIP-1014 from the proxy and the code', () => {
  const formula = sliceHex(keccak256(concatHex(['0xff', DEPLOYER, SALT, keccak256('0x6001')])), 12)
  expect(deployedAddress('0x6001')).toBe(getAddress(formula))
})

it('deployCalldata() puts the salt before the code', () => {
  expect(deployCalldata('0x1234')).toBe(`${SALT}1234`)
})
