// Property tests draw the same examples in every run. HAGGLE_TEST_SEED=N draws others: for whoever looks for what the usual ones don't show.

import fc from 'fast-check'

fc.configureGlobal({ seed: Number(process.env['HAGGLE_TEST_SEED'] ?? 1) })
