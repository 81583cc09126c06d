/**
 * A real chain for tests and devnets: anvil on a free port, the contracts on it, and accounts with money. Node only.
 *
 * @module
 */
export { type Anvil, type AnvilAccount, type AnvilOptions, findAnvil, startAnvil } from './anvil.ts'
export { deployDevnet, type Deployment, type DevnetOptions, fundAccount } from './devnet.ts'
export { type Fault, type FaultyRpc, type ProxiedCall, startFaultyRpc } from './faulty_rpc.ts'
