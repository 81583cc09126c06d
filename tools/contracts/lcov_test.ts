import { expect, it } from 'vitest'
import { readLcov } from './lcov.ts'

it('readLcov() counts what was reached and names the lines of what was not', () => {
  const text = [
    'TN:',
    'SF:a/A.sol',
    'DA:3,7',
    'FN:3,A.f',
    'FNDA:7,A.f',
    'DA:4,7',
    'BRDA:4,0,0,1',
    'BRDA:4,0,1,-',
    'DA:9,0',
    'FN:9,A.g',
    'FNDA:0,A.g',
    'BRDA:10,1,0,0',
    'end_of_record',
    'TN:',
    'SF:b/B.sol',
    'DA:1,1',
    'end_of_record',
    '',
  ].join('\n')
  const [a, b] = readLcov(text)
  expect(a).toEqual({
    file: 'a/A.sol',
    branches: { all: 3, hit: 1, missed: [4, 10] },
    lines: { all: 3, hit: 2, missed: [9] },
    functions: { all: 2, hit: 1, missed: [9] },
  })
  expect(b?.file).toBe('b/B.sol')
})
