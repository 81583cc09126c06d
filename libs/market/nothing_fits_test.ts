import type { OfferView } from './types.ts'
import { expect, it } from 'vitest'
import { nothingFits } from './nothing_fits.ts'

const around = { peers: 2, doubt: undefined }
const failing = (constraint: string, relax: string): Pick<OfferView, 'seen' | 'failures'> => ({
  seen: 3,
  failures: [{ constraint, count: 3, relax, gains: 2 } as OfferView['failures'][number]],
})

it.each([
  ['gpu.vram >= 80GiB', 'gpu.vram >= 24GiB', 'gpu.vram >= 24GiB gives 2'],
  ['limit.duration >= 2h', 'limit.duration >= 10m', 'with a lower --timeout, limit.duration >= 10m gives 2'],
  ['limit.memory >= 64GiB', 'limit.memory >= 2GiB', 'with a lower --memory, limit.memory >= 2GiB gives 2'],
  ['slots.free >= 1', 'slots.free >= 0', '2 would fit and are busy: --wait 10m looks again until one is free'],
])('nothingFits() says what to do when %s fails', (constraint, relax, next) => {
  expect(nothingFits(failing(constraint, relax), around)).toMatchObject({ code: 'E_NOTHING_FITS', next })
})

it('nothingFits() is E_NO_OFFERS when nothing was heard', () => {
  expect(nothingFits({ seen: 0, failures: [] }, around)).toMatchObject({ code: 'E_NO_OFFERS' })
})
